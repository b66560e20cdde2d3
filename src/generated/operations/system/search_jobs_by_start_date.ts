// Generated from schemas/ by npm run generate. Do not edit.
// search_jobs_by_start_date
/**
 * The jobs.
 */
export type Response = {
  /**
   * Id of the job.
   */
  id: string
  /**
   * What it does: the operation that started it.
   */
  type: string
  /**
   * Who started it.
   */
  user: string
  /**
   * CREATED: it waits for its turn.
   */
  status: 'CREATED' | 'IN_PROGRESS' | 'COMPLETE' | 'ERROR' | 'CANCELLED'
  /**
   * What it did, or why it did not.
   */
  message: string
  /**
   * When it was asked for: milliseconds since 1970.
   */
  created_datetime: number
  /**
   * When it began.
   */
  start_datetime?: number
  /**
   * When it ended.
   */
  end_datetime?: number
  /**
   * How far it is.
   */
  progress: {
    /**
     * Rows that it has been through.
     */
    rows: number
    /**
     * Bytes of input or output that it has been through.
     */
    bytes: number
    /**
     * 0 to 100; null while the whole is not known.
     */
    percent: number | null
    /**
     * Its speed since this process began with it.
     */
    rows_per_second: number
    /**
     * Rows that could not be taken.
     */
    errors: number
  }
  /**
   * What the job has found out, once it is complete: the answer of a query.
   */
  result?: unknown
  /**
   * The first rows that could not be taken (setting jobs.errors_shown_max).
   */
  errors: {
    /**
     * Line of the input, counted from 1.
     */
    line: number
    /**
     * Why the row could not be taken.
     */
    reason: string
  }[]
}[]

export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * From this time on: a date or time of ISO 8601 (2026-01-31 or 2026-01-31T10:00:00Z).
   */
  from_date: string
  /**
   * Up to this time; a date stands for its beginning.
   */
  to_date: string
}
export interface Sent {
  /**
   * From this time on: a date or time of ISO 8601 (2026-01-31 or 2026-01-31T10:00:00Z).
   */
  from_date: string
  /**
   * Up to this time; a date stands for its beginning.
   */
  to_date: string
}
