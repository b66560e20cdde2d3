// Generated from schemas/ by npm run generate. Do not edit.
// add_user
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Name of the user.
   */
  username: string
  /**
   * Password; at least access.password_length_min characters.
   */
  password: string
  /**
   * Name of the role.
   */
  role: string
  /**
   * Whether the user may sign in.
   */
  active: boolean
}
export interface Sent {
  /**
   * Name of the user.
   */
  username: string
  /**
   * Password; at least access.password_length_min characters.
   */
  password: string
  /**
   * Name of the role.
   */
  role: string
  /**
   * Whether the user may sign in.
   */
  active?: boolean
  /**
   * A value of your own making: the same request with the same key within 24 hours is run once and answered the same. The header Idempotency-Key does the same.
   */
  idempotency_key?: string
}
export interface Response {
  /**
   * What was done.
   */
  message: string
}
