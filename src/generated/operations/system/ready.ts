// Generated from schemas/ by npm run generate. Do not edit.
// ready
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
export interface Response {
  /**
   * Always ready; otherwise a problem is answered.
   */
  status: 'ready'
}
