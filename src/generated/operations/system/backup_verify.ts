// Generated from schemas/ by npm run generate. Do not edit.
// backup_verify
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
}
export interface Sent {
  /**
   * Name of the file below backup.dir.
   */
  file: string
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
