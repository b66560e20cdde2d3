// Generated from schemas/ by npm run generate. Do not edit.
// status
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
export interface Response {
  /**
   * Name of the node.
   */
  node: string
  /**
   * Version of TrellisDB.
   */
  version: string
  /**
   * Whether it serves requests.
   */
  state: 'starting' | 'ready' | 'stopping'
  /**
   * Seconds since it was ready.
   */
  uptime_s: number
  /**
   * Resident memory of the process.
   */
  memory_bytes: number
  /**
   * Which life of its data the node lives: a folder that was restored from a backup has another one than the folder that was copied.
   */
  incarnation: string
  /**
   * Of a folder that was restored: what it is a copy of.
   */
  restored_from?: {
    /**
     * The incarnation that was copied.
     */
    id: string
    /**
     * When: milliseconds since 1970.
     */
    taken: number
  }
}
