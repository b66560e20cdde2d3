// Generated from schemas/ by npm run generate. Do not edit.
// rotate_keys
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Whether earlier keys end now: for a key that somebody may have read.
   */
  revoke: boolean
}
export interface Sent {
  /**
   * Whether earlier keys end now: for a key that somebody may have read.
   */
  revoke?: boolean
  /**
   * A value of your own making: the same request with the same key within 24 hours is run once and answered the same. The header Idempotency-Key does the same.
   */
  idempotency_key?: string
}
export interface Response {
  /**
   * What was done.
   */
  message: string
  /**
   * Id of the new key.
   */
  key_id: string
  /**
   * Earlier keys that still verify.
   */
  previous: {
    /**
     * Id of the key.
     */
    id: string
    /**
     * When it ends: milliseconds since 1970.
     */
    ends: number
  }[]
}
