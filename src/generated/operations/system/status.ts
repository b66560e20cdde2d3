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
}
