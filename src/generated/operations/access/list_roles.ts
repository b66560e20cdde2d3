// Generated from schemas/ by npm run generate. Do not edit.
// list_roles
/**
 * The roles, by id.
 */
export type Response = {
  /**
   * Name of the role.
   */
  role: string
  /**
   * What the role allows.
   */
  permission: {
    [k: string]: unknown
  }
  /**
   * Id of the role; its first name.
   */
  id: string
  /**
   * When it was made: milliseconds since 1970.
   */
  __createdtime__: number
  /**
   * When it was changed: milliseconds since 1970.
   */
  __updatedtime__: number
}[]

export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
