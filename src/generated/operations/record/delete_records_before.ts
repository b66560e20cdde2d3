// Generated from schemas/ by npm run generate. Do not edit.
// delete_records_before
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Records that were made before this time go: ISO 8601, as 2026-01-31T10:00:00Z or 2026-01-31.
   */
  date: string
  /**
   * A name: 1 to 250 printable ASCII characters, without / and `.
   */
  database: string
  /**
   * A name: 1 to 250 printable ASCII characters, without / and `.
   */
  table: string
}
export interface Sent {
  /**
   * Records that were made before this time go: ISO 8601, as 2026-01-31T10:00:00Z or 2026-01-31.
   */
  date: string
  /**
   * A name: 1 to 250 printable ASCII characters, without / and `.
   */
  database?: string
  /**
   * A name: 1 to 250 printable ASCII characters, without / and `.
   */
  table: string
  /**
   * A value of your own making: the same request with the same key within 24 hours is run once and answered the same. The header Idempotency-Key does the same.
   */
  idempotency_key?: string
}
/**
 * A job that was started.
 */
export interface Response {
  /**
   * Starting job with id …
   */
  message: string
  /**
   * Id for get_job and cancel_job.
   */
  job_id: string
}
