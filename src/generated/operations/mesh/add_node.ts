// Generated from schemas/ by npm run generate. Do not edit.
// add_node
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Name of the other node; must match exactly.
   */
  node_name: string
  /**
   * For subscriptions without a start_time of their own: catch up with the changes made since this time (ISO 8601 with Z or an offset). Left out: from now on.
   */
  start_time?: string
  /**
   * The tables and their directions.
   *
   * @maxItems 10000
   */
  subscriptions: {
    /**
     * Database of the table; schema means the same. data when both are left out.
     */
    database?: string
    /**
     * The database, as HarperDB calls it.
     */
    schema?: string
    /**
     * Name of the table, the same on both nodes.
     */
    table: string
    /**
     * Changes made here go to the other node.
     */
    publish: boolean
    /**
     * Changes made there come here.
     */
    subscribe: boolean
    /**
     * Catch up with the changes made since this time (ISO 8601 with Z or an offset), as far back as the transaction log reaches. Left out: from now on.
     */
    start_time?: string
    /**
     * Begin with a full copy, merged record by record: the later version stays, and rows that only one side has stay too.
     */
    copy: boolean
  }[]
  /**
   * How long the other node may take to answer, in milliseconds.
   */
  timeout: number
  /**
   * Change nothing; tell what would be done.
   */
  dry_run: boolean
}
export interface Sent {
  /**
   * Name of the other node; must match exactly.
   */
  node_name: string
  /**
   * For subscriptions without a start_time of their own: catch up with the changes made since this time (ISO 8601 with Z or an offset). Left out: from now on.
   */
  start_time?: string
  /**
   * The tables and their directions.
   *
   * @maxItems 10000
   */
  subscriptions: {
    /**
     * Database of the table; schema means the same. data when both are left out.
     */
    database?: string
    /**
     * The database, as HarperDB calls it.
     */
    schema?: string
    /**
     * Name of the table, the same on both nodes.
     */
    table: string
    /**
     * Changes made here go to the other node.
     */
    publish: boolean
    /**
     * Changes made there come here.
     */
    subscribe: boolean
    /**
     * Catch up with the changes made since this time (ISO 8601 with Z or an offset), as far back as the transaction log reaches. Left out: from now on.
     */
    start_time?: string
    /**
     * Begin with a full copy, merged record by record: the later version stays, and rows that only one side has stay too.
     */
    copy?: boolean
  }[]
  /**
   * How long the other node may take to answer, in milliseconds.
   */
  timeout?: number
  /**
   * Change nothing; tell what would be done.
   */
  dry_run?: boolean
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
   * Subscriptions that hold now.
   */
  added: {
    /**
     * Database.
     */
    schema: string
    /**
     * Table.
     */
    table: string
    /**
     * From here to there.
     */
    publish: boolean
    /**
     * From there to here.
     */
    subscribe: boolean
  }[]
  /**
   * Subscriptions that cannot be, with the reason.
   */
  skipped: {
    /**
     * Database.
     */
    schema: string
    /**
     * Table.
     */
    table: string
    /**
     * From here to there.
     */
    publish: boolean
    /**
     * From there to here.
     */
    subscribe: boolean
    /**
     * Why it is not shared.
     */
    reason: string
  }[]
  /**
   * With dry_run: what a full copy would do here.
   */
  preview?: {
    /**
     * Database.
     */
    schema: string
    /**
     * Table.
     */
    table: string
    /**
     * Records that would come or change.
     */
    rows: number
    /**
     * Records that are the same.
     */
    known: number
    /**
     * Records of which this node has a later version, which stays.
     */
    kept: number
  }[]
}
