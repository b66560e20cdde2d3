// Generated from schemas/ by npm run generate. Do not edit.
// alter_role
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Id of the role.
   */
  id: string
  /**
   * New name of the role.
   */
  role?: string
  /**
   * HarperDB's permission JSON: super_user, structure_user (true or a list of databases), create_database, and per database { tables: { name: { read, insert, update, delete, attribute_permissions } } }.
   */
  permission: {
    [k: string]: unknown
  }
}
export interface Sent {
  /**
   * Id of the role.
   */
  id: string
  /**
   * New name of the role.
   */
  role?: string
  /**
   * HarperDB's permission JSON: super_user, structure_user (true or a list of databases), create_database, and per database { tables: { name: { read, insert, update, delete, attribute_permissions } } }.
   */
  permission: {
    [k: string]: unknown
  }
  /**
   * A value of your own making: the same request with the same key within 24 hours is run once and answered the same. The header Idempotency-Key does the same.
   */
  idempotency_key?: string
}
export interface Response {
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
   * Id of the role: its first name where none was given.
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
}
