// Generated from schemas/ by npm run generate. Do not edit.
// query_column
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
   * Name of the column; __action for the action.
   */
  column: string
  /**
   * Segments to count in, as a list or separated by commas: the first gives c, the second c2 and so on. * is everyone.
   *
   * @maxItems 100
   */
  segments?: string | (string | number)[]
  /**
   * Order of the groups.
   */
  order: 'asc' | 'desc'
  /**
   * Keep so many groups of every list; parents keep their totals.
   */
  trim?: number
  /**
   * Size of buckets.
   */
  bucket?: number
  /**
   * Only values above this.
   */
  gt?: number
  /**
   * Only values from this on.
   */
  gte?: number
  /**
   * Only values below this.
   */
  lt?: number
  /**
   * Only values up to this.
   */
  lte?: number
  /**
   * Only this value.
   */
  eq?: string | number | boolean
  /**
   * Only values from this on; together with `and`.
   */
  between?: number
  /**
   * Only values below this; together with `between`.
   */
  and?: number
  /**
   * Only texts that this regular expression matches as a whole.
   */
  rx?: string
  /**
   * Only texts that contain this.
   */
  sub?: string
  /**
   * Run in the background: answers the id of a job, whose progress and result get_job tells.
   */
  job: boolean
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
   * Name of the column; __action for the action.
   */
  column: string
  /**
   * Segments to count in, as a list or separated by commas: the first gives c, the second c2 and so on. * is everyone.
   *
   * @maxItems 100
   */
  segments?: string | (string | number)[]
  /**
   * Order of the groups.
   */
  order?: 'asc' | 'desc'
  /**
   * Keep so many groups of every list; parents keep their totals.
   */
  trim?: number
  /**
   * Size of buckets.
   */
  bucket?: number
  /**
   * Only values above this.
   */
  gt?: number
  /**
   * Only values from this on.
   */
  gte?: number
  /**
   * Only values below this.
   */
  lt?: number
  /**
   * Only values up to this.
   */
  lte?: number
  /**
   * Only this value.
   */
  eq?: string | number | boolean
  /**
   * Only values from this on; together with `and`.
   */
  between?: number
  /**
   * Only values below this; together with `between`.
   */
  and?: number
  /**
   * Only texts that this regular expression matches as a whole.
   */
  rx?: string
  /**
   * Only texts that contain this.
   */
  sub?: string
  /**
   * Run in the background: answers the id of a job, whose progress and result get_job tells.
   */
  job?: boolean
}
export interface Response {
  /**
   * Groups: g the group, c (c2, c3 …) its aggregates for the first (second, third …) segment, _ the groups within it.
   */
  _?: unknown[]
  /**
   * In the background: that it was started.
   */
  message?: string
  /**
   * In the background: the id for get_job.
   */
  job_id?: string
}
