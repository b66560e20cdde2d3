// Generated from schemas/ by npm run generate. Do not edit.
// query_segments
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
   * Sections that begin with @segment.
   */
  script: string
  /**
   * Answer the compiled program instead of its result.
   */
  debug: boolean
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
   * Sections that begin with @segment.
   */
  script: string
  /**
   * Answer the compiled program instead of its result.
   */
  debug?: boolean
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
