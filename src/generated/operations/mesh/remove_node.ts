// Generated from schemas/ by npm run generate. Do not edit.
// remove_node
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Name of the node.
   */
  node_name: string
  /**
   * Whether the nodes that share tables with this one remove it too, so that it is cut off from all of them at once.
   */
  everywhere: boolean
  /**
   * Milliseconds that the other nodes may take; those that take longer are named in not_removed_on.
   */
  timeout: number
}
export interface Sent {
  /**
   * Name of the node.
   */
  node_name: string
  /**
   * Whether the nodes that share tables with this one remove it too, so that it is cut off from all of them at once.
   */
  everywhere?: boolean
  /**
   * Milliseconds that the other nodes may take; those that take longer are named in not_removed_on.
   */
  timeout?: number
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
   * With everywhere: the other nodes that have removed it.
   */
  removed_on?: string[]
  /**
   * With everywhere: the nodes that could not be asked. Remove it there when they are in reach.
   */
  not_removed_on?: string[]
}
