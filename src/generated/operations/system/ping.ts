// Generated from schemas/ by npm run generate. Do not edit.
// ping
export interface Shapes {
  request: Request
  response: Response
}
export interface Request {}
export interface Response {
  /**
   * Always pong.
   */
  message: 'pong'
}
