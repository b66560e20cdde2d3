// Generated from schemas/ by npm run generate. Do not edit.
// export_local
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * One JSON list, one JSON object on each line, or CSV with a first line of names.
   */
  format: 'json' | 'ndjson' | 'csv'
  /**
   * Folder below jobs.export_dir.
   */
  path: string
  /**
   * Name of the file; its ending is added. By default the time.
   */
  filename?: string
  /**
   * A name: 1 to 250 printable ASCII characters, without / and `.
   */
  database: string
  /**
   * The table that is exported, unless search_operation is given.
   */
  table?: string
  /**
   * Instead of a table: the request of a reading operation, whose answer is exported.
   */
  search_operation?: {
    /**
     * The reading operation.
     */
    operation: 'search_by_id' | 'search_by_hash' | 'search_by_value' | 'search_by_conditions' | 'select'
    [k: string]: unknown
  }
}
export interface Sent {
  /**
   * One JSON list, one JSON object on each line, or CSV with a first line of names.
   */
  format: 'json' | 'ndjson' | 'csv'
  /**
   * Folder below jobs.export_dir.
   */
  path?: string
  /**
   * Name of the file; its ending is added. By default the time.
   */
  filename?: string
  /**
   * A name: 1 to 250 printable ASCII characters, without / and `.
   */
  database?: string
  /**
   * The table that is exported, unless search_operation is given.
   */
  table?: string
  /**
   * Instead of a table: the request of a reading operation, whose answer is exported.
   */
  search_operation?: {
    /**
     * The reading operation.
     */
    operation: 'search_by_id' | 'search_by_hash' | 'search_by_value' | 'search_by_conditions' | 'select'
    [k: string]: unknown
  }
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
