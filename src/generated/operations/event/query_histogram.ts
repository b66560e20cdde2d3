// Generated from schemas/ by npm run generate. Do not edit.
// query_histogram
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
   * Name of the histogram in the result.
   */
  name: string
  /**
   * The PyQL script.
   */
  script: string
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
   * Fill buckets from here.
   */
  min?: number
  /**
   * Fill buckets up to here; what is above counts here.
   */
  max?: number
  /**
   * A column: a histogram for each of its values.
   */
  foreach?: string
  /**
   * Milliseconds without an event after which a new session begins.
   */
  session_time: number
  /**
   * Answer the compiled program instead of its result.
   */
  debug: boolean
  /**
   * Answer also what debug() and log() were given.
   */
  trace: boolean
  /**
   * Run in the background: answers the id of a job, whose progress and result get_job tells.
   */
  job: boolean
  /**
   * This interface was referenced by `Request`'s JSON-Schema definition
   * via the `patternProperty` "^(str|int|dbl|bool)_\w+$".
   */
  [k: string]: unknown
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
   * Name of the histogram in the result.
   */
  name: string
  /**
   * The PyQL script.
   */
  script: string
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
   * Fill buckets from here.
   */
  min?: number
  /**
   * Fill buckets up to here; what is above counts here.
   */
  max?: number
  /**
   * A column: a histogram for each of its values.
   */
  foreach?: string
  /**
   * Milliseconds without an event after which a new session begins.
   */
  session_time?: number
  /**
   * Answer the compiled program instead of its result.
   */
  debug?: boolean
  /**
   * Answer also what debug() and log() were given.
   */
  trace?: boolean
  /**
   * Run in the background: answers the id of a job, whose progress and result get_job tells.
   */
  job?: boolean
  /**
   * This interface was referenced by `Sent`'s JSON-Schema definition
   * via the `patternProperty` "^(str|int|dbl|bool)_\w+$".
   */
  [k: string]: unknown
}
export interface Response {
  /**
   * Groups: g the group, c (c2, c3 …) its aggregates for the first (second, third …) segment, _ the groups within it.
   */
  _?: unknown[]
  /**
   * The compiled program, or what debug() was given.
   */
  debug?: string | unknown[]
  /**
   * What log() was given.
   */
  log?: string[]
  /**
   * In the background: that it was started.
   */
  message?: string
  /**
   * In the background: the id for get_job.
   */
  job_id?: string
}
