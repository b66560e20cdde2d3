// Generated from schemas/ by npm run generate. Do not edit.
// metrics
/**
 * Text in the Prometheus exposition format 0.0.4.
 */
export type Response = string

export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
