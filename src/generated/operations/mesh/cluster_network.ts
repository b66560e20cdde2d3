// Generated from schemas/ by npm run generate. Do not edit.
// cluster_network
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * How long to wait for answers, in milliseconds.
   */
  timeout: number
  /**
   * true leaves connected_nodes out of the answer.
   */
  connected_nodes: boolean
  /**
   * true leaves routes out of the answer.
   */
  routes: boolean
}
export interface Sent {
  /**
   * How long to wait for answers, in milliseconds.
   */
  timeout?: number
  /**
   * true leaves connected_nodes out of the answer.
   */
  connected_nodes?: boolean
  /**
   * true leaves routes out of the answer.
   */
  routes?: boolean
}
export interface Response {
  /**
   * This node first.
   */
  nodes: {
    /**
     * Name of the node.
     */
    name: string
    /**
     * Milliseconds; null: silent.
     */
    response_time: number | null
    /**
     * Nodes that it reaches.
     */
    connected_nodes?: string[]
    /**
     * Routes that were set on it.
     */
    routes?: {
      /**
       * Host name or address.
       */
      host: string
      /**
       * Port.
       */
      port: number
    }[]
  }[]
}
