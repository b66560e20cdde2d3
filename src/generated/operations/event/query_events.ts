// Generated from schemas/ by npm run generate. Do not edit.
// query_events
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
   * Name of the aggregate to sort by, or `key` or `g` for the group; default: the first aggregate.
   */
  sort?: string
  /**
   * Order of the groups.
   */
  order: 'asc' | 'desc'
  /**
   * Keep so many groups of every list; parents keep their totals.
   */
  trim?: number
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
   * Name of the aggregate to sort by, or `key` or `g` for the group; default: the first aggregate.
   */
  sort?: string
  /**
   * Order of the groups.
   */
  order?: 'asc' | 'desc'
  /**
   * Keep so many groups of every list; parents keep their totals.
   */
  trim?: number
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
