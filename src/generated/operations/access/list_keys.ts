// Generated from schemas/ by npm run generate. Do not edit.
// list_keys
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
export interface Response {
  /**
   * JSON Web Keys (RFC 7517).
   */
  keys: {
    [k: string]: unknown
  }[]
}
