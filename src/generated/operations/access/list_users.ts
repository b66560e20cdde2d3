// Generated from schemas/ by npm run generate. Do not edit.
// list_users
/**
 * The users, by name.
 */
export type Response = {
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
}[]

export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
