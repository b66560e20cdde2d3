// Generated from schemas/ by npm run generate. Do not edit.
// describe_operations
/**
 * One item an operation.
 */
export type Response = {
  /**
   * Its name.
   */
  operation: string
  /**
   * What it belongs to.
   */
  group: string
  /**
   * One sentence.
   */
  summary: string
  /**
   * What a user must know.
   */
  description: string
  /**
   * What a caller needs.
   */
  access: string[]
  /**
   * JSON Schema of the request.
   */
  request: {
    [k: string]: unknown
  }
  /**
   * REST routes.
   */
  routes: string[]
}[]

export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Only this operation.
   */
  name?: string
}
export interface Sent {
  /**
   * Only this operation.
   */
  name?: string
}
