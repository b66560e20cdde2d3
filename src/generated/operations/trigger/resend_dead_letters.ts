// Generated from schemas/ by npm run generate. Do not edit.
// resend_dead_letters
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
   * Name of the trigger.
   */
  trigger: string
  /**
   * Name of the subscriber.
   */
  subscriber: string
  /**
   * Most letters that are sent again.
   */
  limit: number
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
   * Name of the trigger.
   */
  trigger: string
  /**
   * Name of the subscriber.
   */
  subscriber: string
  /**
   * Most letters that are sent again.
   */
  limit?: number
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
   * Letters that wait again.
   */
  resent: number
}
