// Generated from schemas/ by npm run generate. Do not edit.
// purge_stream
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Name of the database.
   */
  database: string
  /**
   * Name of the table.
   */
  table: string
  /**
   * What stays; left out: nothing. One of the two.
   */
  options?: {
    /**
     * How many of the newest messages stay.
     */
    keep?: number
    /**
     * Messages from this sequence of the stream on stay.
     */
    seq?: number
  }
}
export interface Sent {
  /**
   * Name of the database.
   */
  database?: string
  /**
   * Name of the table.
   */
  table: string
  /**
   * What stays; left out: nothing. One of the two.
   */
  options?: {
    /**
     * How many of the newest messages stay.
     */
    keep?: number
    /**
     * Messages from this sequence of the stream on stay.
     */
    seq?: number
  }
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
   * Messages that were deleted.
   */
  purged: number
}
