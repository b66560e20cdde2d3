// Generated from schemas/ by npm run generate. Do not edit.
// cancel_job
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Id of the job.
   */
  id: string
}
export interface Sent {
  /**
   * Id of the job.
   */
  id: string
  /**
   * A value of your own making: the same request with the same key within 24 hours is run once and answered the same. The header Idempotency-Key does the same.
   */
  idempotency_key?: string
}
export interface Response {
  /**
   * How the job ended.
   */
  message: string
}
