// Generated from schemas/ by npm run generate. Do not edit.
// list_segments
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
}
export interface Response {
  /**
   * The segments by name.
   */
  segments: {
    /**
     * Name.
     */
    name: string
    /**
     * People in it.
     */
    people: number
    /**
     * Milliseconds since it was computed.
     */
    age_ms: number
    /**
     * How long it counts as fresh; without it for ever.
     */
    ttl_ms?: number
    /**
     * How often it is computed anew.
     */
    refresh_ms?: number
    /**
     * Milliseconds that computing it took.
     */
    cost_ms: number
    /**
     * Older than its ttl.
     */
    expired: boolean
    /**
     * Computed from other segments, without looking at events.
     */
    from_segments: boolean
    /**
     * Kept right on every insert.
     */
    on_insert: boolean
    /**
     * Its script.
     */
    script?: string
  }[]
}
