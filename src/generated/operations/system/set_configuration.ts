// Generated from schemas/ by npm run generate. Do not edit.
// set_configuration
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * New value of the setting of this name.
   *
   * This interface was referenced by `Request`'s JSON-Schema definition
   * via the `patternProperty` "^[a-z][A-Za-z0-9]*([._][A-Za-z0-9]+)*$".
   */
  [k: string]: unknown
}
export interface Sent {
  /**
   * A value of your own making: the same request with the same key within 24 hours is run once and answered the same. The header Idempotency-Key does the same.
   */
  idempotency_key?: string
  /**
   * New value of the setting of this name.
   *
   * This interface was referenced by `Sent`'s JSON-Schema definition
   * via the `patternProperty` "^[a-z][A-Za-z0-9]*([._][A-Za-z0-9]+)*$".
   */
  [k: string]: unknown
}
export interface Response {
  /**
   * What was done.
   */
  message: string
  /**
   * Settings that are in force now.
   */
  live: string[]
  /**
   * Settings that are in force after a restart.
   */
  restart: string[]
}
