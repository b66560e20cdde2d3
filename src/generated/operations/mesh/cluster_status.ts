// Generated from schemas/ by npm run generate. Do not edit.
// cluster_status
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {}
export interface Sent {}
export interface Response {
  /**
   * Name of this node.
   */
  node_name: string
  /**
   * Whether clustering runs.
   */
  is_enabled: boolean
  /**
   * The nodes that share tables with this one.
   */
  connections: {
    /**
     * Name of the node.
     */
    node_name: string
    /**
     * Whether its changes flow.
     */
    status: 'open' | 'closed' | 'catching up'
    /**
     * Its ports.
     */
    ports: {
      /**
       * Port of its hub for routes.
       */
      clustering?: number | null
      /**
       * Port of its operations.
       */
      operations_api?: number | null
    }
    /**
     * Time of a question and its answer.
     */
    latency_ms: number | null
    /**
     * How long it runs.
     */
    uptime: string | null
    /**
     * The tables that are shared.
     */
    subscriptions: {
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
       * Changes of the other node that are not here yet (counted up to 10,000); null when it cannot be asked.
       */
      entries_behind?: number | null
      /**
       * Age of the oldest of them.
       */
      seconds_behind?: number | null
      /**
       * When the last change came: milliseconds since 1970.
       */
      last_applied_at?: number | null
      /**
       * When that change was made.
       */
      last_applied_time?: number | null
      /**
       * Changes of the other node that lost against a later one here; read_transaction_log shows them.
       */
      conflicts?: number
      /**
       * Whether everything of the other node is here; null when it cannot be asked or nothing comes from it.
       */
      in_sync?: boolean | null
      /**
       * A full copy under way.
       */
      full_copy?: {
        /**
         * Why.
         */
        reason?: string
        /**
         * Records that have come so far.
         */
        rows?: number
      } | null
      /**
       * The last full copy that came from the other node.
       */
      last_full_copy?: {
        /**
         * Why.
         */
        reason?: string
        /**
         * Records and deletions that came.
         */
        rows?: number
        /**
         * When it was done: milliseconds since 1970.
         */
        at?: number
      } | null
    }[]
    /**
     * What fails now.
     */
    last_error?: string | null
    /**
     * Messages that were not what they claimed to be.
     */
    refused_messages?: number
    /**
     * What of this node's log the other has not taken yet, as far as it has told; null when nothing goes there.
     */
    waiting?: {
      /**
       * Its size in the log, all tables together.
       */
      characters: number
      /**
       * Age of the oldest of it.
       */
      seconds: number
      /**
       * Of what the log keeps (tables.log_bytes_max, tables.log_retention_hours), whichever is more. From 0.8 on there is a warning; from 1 on the node may need a full copy.
       */
      share: number
    } | null
  }[]
  /**
   * What needs a look.
   */
  warnings: string[]
}
