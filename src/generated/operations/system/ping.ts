// Generated from schemas/ by npm run generate. Do not edit.
// ping
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
export interface Response {
  /**
   * Always pong.
   */
  message: 'pong'
  /**
   * The same, as OpenSet says it.
   */
  pong: true
}
