// Generated from schemas/ by npm run generate. Do not edit.
// postman
export interface Shapes {
  request: Request
  response: Response
}
export interface Request {}
/**
 * The Postman collection.
 */
export interface Response {
  [k: string]: unknown
}
