// Generated from schemas/ by npm run generate. Do not edit.
// alter_user
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
   * New password.
   */
  password?: string
  /**
   * Name of the new role.
   */
  role?: string
  /**
   * Whether the user may sign in.
   */
  active?: boolean
}
export interface Sent {
  /**
   * Name of the user.
   */
  username: string
  /**
   * New password.
   */
  password?: string
  /**
   * Name of the new role.
   */
  role?: string
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
  /**
   * When it was done: milliseconds since 1970.
   */
  txn_time: number
  /**
   * The user that was changed.
   */
  update_hashes: string[]
  /**
   * Nothing.
   */
  skipped_hashes: string[]
}
