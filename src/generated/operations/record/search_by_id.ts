// Generated from schemas/ by npm run generate. Do not edit.
// search_by_id
/**
 * The records.
 */
export type Response = {
  [k: string]: unknown
}[]

export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Database of the table.
   */
  database: string
  /**
   * The table.
   */
  table: string
  /**
   * Keys of the records.
   */
  ids: (string | number)[]
  /**
   * Attributes of the answer; ["*"]: all.
   *
   * @minItems 1
   */
  get_attributes: [string, ...string[]]
}
export interface Sent {
  /**
   * Database of the table.
   */
  database?: string
  /**
   * The table.
   */
  table: string
  /**
   * Keys of the records.
   */
  ids: (string | number)[]
  /**
   * Attributes of the answer; ["*"]: all.
   *
   * @minItems 1
   */
  get_attributes: [string, ...string[]]
}
