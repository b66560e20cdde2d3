// Generated from schemas/ by npm run generate. Do not edit.
// add_column
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
   * Name of the table.
   */
  table: string
  /**
   * Name of the column.
   */
  column: string
  /**
   * For large tables: answers at once with a job, which ends when the index serves queries.
   */
  job: boolean
  /**
   * text, int, double, bool, json, blob, timestamp or any; HarperDB's and pyql's names are understood. Without it any; for events text.
   */
  type?: string
  /**
   * Refuse null.
   */
  not_null?: boolean
  /**
   * Value of records that leave the column out.
   */
  default?: unknown
  /**
   * Refuse a second record with the same value.
   */
  unique?: boolean
  /**
   * Keep an index; true unless the type cannot be indexed.
   */
  indexed?: boolean
  /**
   * Event tables: the column holds a set of values.
   */
  is_set?: boolean
}
export interface Sent {
  /**
   * Name of the database.
   */
  database?: string
  /**
   * Name of the table.
   */
  table: string
  /**
   * Name of the column.
   */
  column: string
  /**
   * For large tables: answers at once with a job, which ends when the index serves queries.
   */
  job?: boolean
  /**
   * text, int, double, bool, json, blob, timestamp or any; HarperDB's and pyql's names are understood. Without it any; for events text.
   */
  type?: string
  /**
   * Refuse null.
   */
  not_null?: boolean
  /**
   * Value of records that leave the column out.
   */
  default?: unknown
  /**
   * Refuse a second record with the same value.
   */
  unique?: boolean
  /**
   * Keep an index; true unless the type cannot be indexed.
   */
  indexed?: boolean
  /**
   * Event tables: the column holds a set of values.
   */
  is_set?: boolean
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
   * With job: its id for get_job.
   */
  job_id?: string
}
