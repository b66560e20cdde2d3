// Generated from schemas/ by npm run generate. Do not edit.
// create_authentication_tokens
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Name of the user; without it the caller.
   */
  username?: string
  /**
   * Password of the user.
   */
  password?: string
}
export interface Sent {
  /**
   * Name of the user; without it the caller.
   */
  username?: string
  /**
   * Password of the user.
   */
  password?: string
}
export interface Response {
  /**
   * JWT for operations; lives access.operation_token_ttl_s seconds.
   */
  operation_token: string
  /**
   * JWT for refresh_operation_token; lives access.refresh_token_ttl_s seconds.
   */
  refresh_token: string
}
