// Generated from schemas/ by npm run generate. Do not edit.
// refresh_operation_token
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * The refresh token; without it the Bearer token of the request.
   */
  refresh_token?: string
}
export interface Sent {
  /**
   * The refresh token; without it the Bearer token of the request.
   */
  refresh_token?: string
}
export interface Response {
  /**
   * JWT for operations.
   */
  operation_token: string
}
