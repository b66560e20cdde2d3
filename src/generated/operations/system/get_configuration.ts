// Generated from schemas/ by npm run generate. Do not edit.
// get_configuration
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
/**
 * The settings as they stand in schemas/config.json.
 */
export interface Response {
  [k: string]: unknown
}
