// Generated from schemas/ by npm run generate. Do not edit.
// health
export interface Shapes {
  request: Request
  response: Response
}
export interface Request {}
export interface Response {
  /**
   * Always live.
   */
  status: 'live'
}
