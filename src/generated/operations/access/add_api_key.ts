// Generated from schemas/ by npm run generate. Do not edit.
// add_api_key
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * What the key is for.
   */
  name: string
  /**
   * The user that it acts as; without it the caller. Another user needs a super user.
   */
  username?: string
  /**
   * The only operations that it may call; without it, all that its user may.
   *
   * @minItems 1
   * @maxItems 1000
   */
  operations?: [string, ...string[]]
  /**
   * The only databases that it may touch; without it, all that its user may.
   *
   * @minItems 1
   * @maxItems 1000
   */
  databases?: [string, ...string[]]
  /**
   * Whether it may only read.
   */
  read_only: boolean
  /**
   * Life in seconds; without it, it does not end by itself.
   */
  ttl_s?: number
}
export interface Sent {
  /**
   * What the key is for.
   */
  name: string
  /**
   * The user that it acts as; without it the caller. Another user needs a super user.
   */
  username?: string
  /**
   * The only operations that it may call; without it, all that its user may.
   *
   * @minItems 1
   * @maxItems 1000
   */
  operations?: [string, ...string[]]
  /**
   * The only databases that it may touch; without it, all that its user may.
   *
   * @minItems 1
   * @maxItems 1000
   */
  databases?: [string, ...string[]]
  /**
   * Whether it may only read.
   */
  read_only?: boolean
  /**
   * Life in seconds; without it, it does not end by itself.
   */
  ttl_s?: number
  /**
   * A value of your own making: the same request with the same key within 24 hours is run once and answered the same. The header Idempotency-Key does the same.
   */
  idempotency_key?: string
}
export interface Response {
  /**
   * Id of the key.
   */
  id: string
  /**
   * What it is for.
   */
  name: string
  /**
   * The user that it acts as.
   */
  username: string
  /**
   * The only operations that it may call.
   */
  operations?: string[]
  /**
   * The only databases that it may touch.
   */
  databases?: string[]
  /**
   * Whether it may only read.
   */
  read_only: boolean
  /**
   * When it was made: milliseconds since 1970.
   */
  created: number
  /**
   * When it ends: milliseconds since 1970.
   */
  expires?: number
  /**
   * When it was used last: milliseconds since 1970.
   */
  last_used?: number
  /**
   * The key.
   */
  key: string
}
