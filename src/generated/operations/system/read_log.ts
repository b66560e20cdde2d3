// Generated from schemas/ by npm run generate. Do not edit.
// read_log
/**
 * The lines.
 */
export type Response = {
  /**
   * When: ISO 8601.
   */
  timestamp: string
  /**
   * How severe.
   */
  level: string
  /**
   * What happened.
   */
  message: string
  /**
   * Details.
   */
  fields: {
    [k: string]: unknown
  }
}[]

export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Which log, as clients of HarperDB name it: there is this one.
   */
  log_name: 'hdb.log'
  /**
   * Lines to leave out.
   */
  start: number
  /**
   * Most lines.
   */
  limit: number
  /**
   * Lines of this level only.
   */
  level?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
  /**
   * Not before this: a date or time of ISO 8601.
   */
  from?: string
  /**
   * Not after this: a date or time of ISO 8601.
   */
  until?: string
  /**
   * Lines that hold this text.
   */
  filter?: string
  /**
   * Oldest or newest first.
   */
  order: 'asc' | 'desc'
}
export interface Sent {
  /**
   * Which log, as clients of HarperDB name it: there is this one.
   */
  log_name?: 'hdb.log'
  /**
   * Lines to leave out.
   */
  start?: number
  /**
   * Most lines.
   */
  limit?: number
  /**
   * Lines of this level only.
   */
  level?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
  /**
   * Not before this: a date or time of ISO 8601.
   */
  from?: string
  /**
   * Not after this: a date or time of ISO 8601.
   */
  until?: string
  /**
   * Lines that hold this text.
   */
  filter?: string
  /**
   * Oldest or newest first.
   */
  order?: 'asc' | 'desc'
}
