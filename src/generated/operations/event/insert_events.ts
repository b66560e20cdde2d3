// Generated from schemas/ by npm run generate. Do not edit.
// insert_events
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
   * Name of the event table.
   */
  table: string
  /**
   * The events, or their JSON text.
   */
  events: unknown[] | string
  /**
   * The text is newline-delimited JSON: one event in each line.
   */
  lines: boolean
  /**
   * All events or none: one that is not valid refuses all.
   */
  atomic: boolean
}
export interface Sent {
  /**
   * Name of the database.
   */
  database?: string
  /**
   * Name of the event table.
   */
  table: string
  /**
   * The events, or their JSON text.
   */
  events: unknown[] | string
  /**
   * The text is newline-delimited JSON: one event in each line.
   */
  lines?: boolean
  /**
   * All events or none: one that is not valid refuses all.
   */
  atomic?: boolean
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
   * Events that are new.
   */
  inserted: number
  /**
   * Events that were there already.
   */
  duplicates: number
  /**
   * Events that were refused.
   */
  rejected: {
    /**
     * Place in the list, from 0.
     */
    index: number
    /**
     * Why.
     */
    reason: string
  }[]
  /**
   * Values that were left out: of unknown columns, of another type, or beside `_`.
   */
  warnings?: string[]
}
