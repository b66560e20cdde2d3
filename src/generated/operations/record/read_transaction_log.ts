// Generated from schemas/ by npm run generate. Do not edit.
// read_transaction_log
export type Response = {
  /**
   * insert, update, upsert, delete or replace; events for a shared table of events.
   */
  operation: string
  /**
   * Who made the change.
   */
  user_name: string
  /**
   * When, in milliseconds since 1970.
   */
  timestamp: number
  /**
   * Keys of the records.
   */
  hash_values: (string | number)[]
  /**
   * The records as they were stored.
   */
  records: {
    [k: string]: unknown
  }[]
  /**
   * Counts the changes of this node.
   */
  sequence: number
}[]

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
   * First time, in milliseconds since 1970.
   */
  from?: number
  /**
   * Last time, in milliseconds since 1970.
   */
  to?: number
  /**
   * At most so many changes.
   */
  limit: number
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
   * First time, in milliseconds since 1970.
   */
  from?: number
  /**
   * Last time, in milliseconds since 1970.
   */
  to?: number
  /**
   * At most so many changes.
   */
  limit?: number
}
