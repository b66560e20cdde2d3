// Generated from schemas/ by npm run generate. Do not edit.
// explain_access
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * The user; without it the caller.
   */
  username?: string
  /**
   * Name of the operation.
   */
  asked_operation: string
  /**
   * Name of the database.
   */
  database?: string
  /**
   * Name of the table.
   */
  table?: string
  /**
   * Attributes of the table.
   *
   * @maxItems 1000
   */
  attributes?: string[]
}
export interface Sent {
  /**
   * The user; without it the caller.
   */
  username?: string
  /**
   * Name of the operation.
   */
  asked_operation: string
  /**
   * Name of the database.
   */
  database?: string
  /**
   * Name of the table.
   */
  table?: string
  /**
   * Attributes of the table.
   *
   * @maxItems 1000
   */
  attributes?: string[]
}
export interface Response {
  /**
   * The user.
   */
  username: string
  /**
   * Name of the operation.
   */
  operation: string
  /**
   * Whether all of it is allowed.
   */
  allowed: boolean
  /**
   * One for each thing that is needed.
   */
  reasons: {
    /**
     * What is needed.
     */
    asked: string
    /**
     * Whether it is allowed.
     */
    allowed: boolean
    /**
     * The rule that says so.
     */
    rule: string
  }[]
}
