// Generated from schemas/ by npm run generate. Do not edit.
// create_token
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * What the token is for.
   */
  type: 'user' | 'join' | 'service'
  /**
   * Life in seconds; at most, and without it, the setting access.TYPE_token_ttl_s.
   */
  ttl_s?: number
}
export interface Sent {
  /**
   * What the token is for.
   */
  type?: 'user' | 'join' | 'service'
  /**
   * Life in seconds; at most, and without it, the setting access.TYPE_token_ttl_s.
   */
  ttl_s?: number
}
export interface Response {
  /**
   * JWT to send as Authorization: Bearer.
   */
  token: string
  /**
   * What it is for.
   */
  type: 'user' | 'join' | 'service'
  /**
   * When it ends: milliseconds since 1970.
   */
  expires: number
}
