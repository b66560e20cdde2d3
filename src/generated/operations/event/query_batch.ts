// Generated from schemas/ by npm run generate. Do not edit.
// query_batch
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
   * The sections.
   */
  script: string
  /**
   * Milliseconds without an event after which a new session begins.
   */
  session_time: number
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
   * The sections.
   */
  script: string
  /**
   * Milliseconds without an event after which a new session begins.
   */
  session_time?: number
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
