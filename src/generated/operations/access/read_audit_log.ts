// Generated from schemas/ by npm run generate. Do not edit.
// read_audit_log
/**
 * The lines.
 */
export type Response = {
  /**
   * When: milliseconds since 1970.
   */
  time: number
  /**
   * Who made the change.
   */
  user: string
  /**
   * From where.
   */
  address: string
  /**
   * What was done.
   */
  operation: string
  /**
   * The user, role, key, database or setting.
   */
  target: string
  /**
   * What was changed of it, without secrets.
   */
  change?: {
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
   * Not before this: milliseconds since 1970.
   */
  from?: number
  /**
   * Before this: milliseconds since 1970.
   */
  until?: number
  /**
   * Changes made by this user.
   */
  username?: string
  /**
   * Changes made by this operation.
   */
  changed_by?: string
  /**
   * Most lines.
   */
  limit: number
  /**
   * Oldest or newest first.
   */
  order: 'asc' | 'desc'
}
export interface Sent {
  /**
   * Not before this: milliseconds since 1970.
   */
  from?: number
  /**
   * Before this: milliseconds since 1970.
   */
  until?: number
  /**
   * Changes made by this user.
   */
  username?: string
  /**
   * Changes made by this operation.
   */
  changed_by?: string
  /**
   * Most lines.
   */
  limit?: number
  /**
   * Oldest or newest first.
   */
  order?: 'asc' | 'desc'
}
