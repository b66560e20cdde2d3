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
  /**
   * Life of the operation token: seconds, or text with a unit, such as 10m or 1h. At most, and without it, access.operation_token_ttl_s.
   */
  expires_in?: number | string
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
  /**
   * Life of the operation token: seconds, or text with a unit, such as 10m or 1h. At most, and without it, access.operation_token_ttl_s.
   */
  expires_in?: number | string
}
export interface Response {
  /**
   * JWT for operations; lives access.operation_token_ttl_s seconds, or as long as expires_in says.
   */
  operation_token: string
  /**
   * JWT for refresh_operation_token; lives access.refresh_token_ttl_s seconds.
   */
  refresh_token: string
}
