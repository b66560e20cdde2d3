// Generated from schemas/ by npm run generate. Do not edit.
// user_info
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
export interface Response {
  /**
   * Name of the user.
   */
  username: string
  /**
   * Whether the user may sign in.
   */
  active: boolean
  /**
   * Address that the user registered with.
   */
  email?: string
  /**
   * The role: role, permission, id and times.
   */
  role: {
    [k: string]: unknown
  }
}
