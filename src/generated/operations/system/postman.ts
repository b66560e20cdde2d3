// Generated from schemas/ by npm run generate. Do not edit.
// postman
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
/**
 * The Postman collection.
 */
export interface Response {
  [k: string]: unknown
}
