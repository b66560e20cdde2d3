// Generated from schemas/ by npm run generate. Do not edit.
// list_api_keys
/**
 * The keys, oldest first.
 */
export type Response = {
  /**
   * Id of the key.
   */
  id: string
  /**
   * What it is for.
   */
  name: string
  /**
   * The user that it acts as.
   */
  username: string
  /**
   * The only operations that it may call.
   */
  operations?: string[]
  /**
   * The only databases that it may touch.
   */
  databases?: string[]
  /**
   * Whether it may only read.
   */
  read_only: boolean
  /**
   * When it was made: milliseconds since 1970.
   */
  created: number
  /**
   * When it ends: milliseconds since 1970.
   */
  expires?: number
  /**
   * When it was used last: milliseconds since 1970.
   */
  last_used?: number
}[]

export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Whose keys; super users only, without it everybody's.
   */
  username?: string
}
export interface Sent {
  /**
   * Whose keys; super users only, without it everybody's.
   */
  username?: string
}
