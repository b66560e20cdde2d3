// Generated from schemas/ by npm run generate. Do not edit.
// restore_backup
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Name of the file below backup.dir.
   */
  file: string
  /**
   * The database in the backup.
   */
  database: string
  /**
   * Its new name, which no database has.
   */
  as: string
}
export interface Sent {
  /**
   * Name of the file below backup.dir.
   */
  file: string
  /**
   * The database in the backup.
   */
  database: string
  /**
   * Its new name, which no database has.
   */
  as: string
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
