// Generated from schemas/ by npm run generate. Do not edit.
// cluster_get_routes
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
export interface Response {
  /**
   * Routes of the hub.
   */
  hub: {
    /**
     * Host name or address.
     */
    host: string
    /**
     * Port.
     */
    port: number
  }[]
  /**
   * Routes of the leaf.
   */
  leaf: {
    /**
     * Host name or address.
     */
    host: string
    /**
     * Port.
     */
    port: number
  }[]
}
