// Generated from schemas/ by npm run generate. Do not edit.
// openapi
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
/**
 * The OpenAPI 3.1 document.
 */
export interface Response {
  [k: string]: unknown
}
