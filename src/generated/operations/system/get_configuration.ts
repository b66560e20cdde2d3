// Generated from schemas/ by npm run generate. Do not edit.
// get_configuration
export interface Shapes {
  request: Request
  response: Response
}
export interface Request {}
/**
 * The settings as they stand in schemas/config.json.
 */
export interface Response {
  [k: string]: unknown
}
