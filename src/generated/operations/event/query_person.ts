// Generated from schemas/ by npm run generate. Do not edit.
// query_person
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
   * The person's id when it is a text.
   */
  sid?: string
  /**
   * The person's id: a number, or a text.
   */
  id?: number | string
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
   * The person's id when it is a text.
   */
  sid?: string
  /**
   * The person's id: a number, or a text.
   */
  id?: number | string
}
export interface Response {
  /**
   * The person's id when it is a text.
   */
  id_string?: string
  /**
   * The person's id when it is a number.
   */
  id?: number
  /**
   * The events.
   */
  rows: {
    /**
     * Milliseconds since 1970.
     */
    stamp: number
    /**
     * The stamp as ISO 8601.
     */
    stamp_iso: string
    /**
     * The action.
     */
    action: string
    /**
     * The values.
     */
    attr: {
      [k: string]: unknown
    }
  }[]
}
