// Generated from schemas/ by npm run generate. Do not edit.
// create_backup
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Name of a new file below backup.dir; without it the answer is the backup.
   */
  file?: string
}
export interface Sent {
  /**
   * Name of a new file below backup.dir; without it the answer is the backup.
   */
  file?: string
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
