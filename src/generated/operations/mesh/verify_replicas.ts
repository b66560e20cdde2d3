// Generated from schemas/ by npm run generate. Do not edit.
// verify_replicas
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Name of the database.
   */
  database: string
  /**
   * Name of the table.
   */
  table: string
  /**
   * Which nodes; left out: all that share the table.
   *
   * @maxItems 256
   */
  nodes?: string[]
}
export interface Sent {
  /**
   * Name of the database.
   */
  database?: string
  /**
   * Name of the table.
   */
  table: string
  /**
   * Which nodes; left out: all that share the table.
   *
   * @maxItems 256
   */
  nodes?: string[]
}
export interface Response {
  /**
   * Name of the database.
   */
  database: string
  /**
   * Name of the table.
   */
  table: string
  /**
   * Whether every node has the same records and columns.
   */
  equal: boolean
  /**
   * One item a node.
   */
  nodes: {
    /**
     * Name of the node.
     */
    node_name: string
    /**
     * Whether it has the same records and columns; null when it could not be asked.
     */
    equal: boolean | null
    /**
     * Records that it has.
     */
    records: number | null
    /**
     * Records that differ, at most 1,000.
     */
    differences: {
      /**
       * Primary key.
       */
      key: string | number
      /**
       * How.
       */
      state: 'missing here' | 'missing there' | 'different'
    }[]
    /**
     * Columns that only one of the two has, or that are declared differently.
     */
    columns: string[]
    /**
     * Whether there are more.
     */
    truncated: boolean
    /**
     * Why it could not be asked.
     */
    error: string | null
  }[]
}
