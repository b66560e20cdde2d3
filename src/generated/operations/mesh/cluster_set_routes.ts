// Generated from schemas/ by npm run generate. Do not edit.
// cluster_set_routes
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * hub joins this node to the mesh; leaf is for edge nodes, which have no hub, and for meshes apart.
   */
  server: 'hub' | 'leaf'
  /**
   * Addresses to dial.
   *
   * @maxItems 256
   */
  routes: {
    /**
     * Host name or address of the other node.
     */
    host: string
    /**
     * Its clustering.hub.cluster_port; for server leaf its clustering.hub.leafnode_port.
     */
    port: number
  }[]
}
export interface Sent {
  /**
   * hub joins this node to the mesh; leaf is for edge nodes, which have no hub, and for meshes apart.
   */
  server: 'hub' | 'leaf'
  /**
   * Addresses to dial.
   *
   * @maxItems 256
   */
  routes: {
    /**
     * Host name or address of the other node.
     */
    host: string
    /**
     * Its clustering.hub.cluster_port; for server leaf its clustering.hub.leafnode_port.
     */
    port: number
  }[]
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
   * Routes that were added.
   */
  set: {
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
   * Routes that were there.
   */
  skipped: {
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
