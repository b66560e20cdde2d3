// Generated from schemas/ by npm run generate. Do not edit.
// drop_trigger
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
   * Name of the event table.
   */
  table: string
  /**
   * Name of the trigger.
   */
  reevent: string
}
