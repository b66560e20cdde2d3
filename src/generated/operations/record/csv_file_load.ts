// Generated from schemas/ by npm run generate. Do not edit.
// csv_file_load
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * A name: 1 to 250 printable ASCII characters, without / and `.
   */
  database: string
  /**
   * A name: 1 to 250 printable ASCII characters, without / and `.
   */
  table: string
  /**
   * What is done with each row; insert skips rows whose key exists, update those whose key does not.
   */
  action: 'insert' | 'update' | 'upsert'
  /**
   * By default as the name of the file ends: .ndjson and .jsonl, else csv.
   */
  format?: 'csv' | 'ndjson'
  /**
   * Path of the file, relative to jobs.import_dir.
   */
  file_path: string
}
export interface Sent {
  /**
   * A name: 1 to 250 printable ASCII characters, without / and `.
   */
  database?: string
  /**
   * A name: 1 to 250 printable ASCII characters, without / and `.
   */
  table: string
  /**
   * What is done with each row; insert skips rows whose key exists, update those whose key does not.
   */
  action?: 'insert' | 'update' | 'upsert'
  /**
   * By default as the name of the file ends: .ndjson and .jsonl, else csv.
   */
  format?: 'csv' | 'ndjson'
  /**
   * Path of the file, relative to jobs.import_dir.
   */
  file_path: string
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
