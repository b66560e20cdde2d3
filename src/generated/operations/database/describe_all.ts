// Generated from schemas/ by npm run generate. Do not edit.
// describe_all
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Accepted for HarperDB's clients: counts are always exact.
   */
  exact_count?: boolean
}
export interface Sent {
  /**
   * Accepted for HarperDB's clients: counts are always exact.
   */
  exact_count?: boolean
}
/**
 * Databases by name, each with its tables by name.
 */
export interface Response {
  [k: string]: {
    /**
     * A table: its columns and keys, and how much it holds.
     */
    [k: string]: {
      /**
       * Name of the database.
       */
      schema: string
      /**
       * Name of the table.
       */
      name: string
      /**
       * What the table holds.
       */
      kind: 'records' | 'events'
      /**
       * The primary key.
       */
      hash_attribute: string
      /**
       * Whether changes are kept in the transaction log.
       */
      audit: boolean
      /**
       * true: columns are declared; false: attributes appear with the records.
       */
      schema_defined: boolean
      /**
       * The columns.
       */
      attributes: {
        /**
         * Name of the column.
         */
        attribute: string
        /**
         * text, int, double, bool, json, blob, timestamp, or any.
         */
        type: string
        /**
         * Whether searches on it use an index.
         */
        indexed?: boolean
        /**
         * Whether it is the primary key.
         */
        is_primary_key?: boolean
        /**
         * Whether null is refused.
         */
        not_null?: boolean
        /**
         * Whether a value may occur once only.
         */
        unique?: boolean
        /**
         * Whether the table counts it up.
         */
        auto_increment?: boolean
        /**
         * Event tables: whether it holds a set.
         */
        is_set?: boolean
        /**
         * The value of records that leave it out.
         */
        default?: unknown
      }[]
      /**
       * Columns that name rows of other tables.
       */
      foreign_keys?: {
        /**
         * Column of this table.
         */
        column: string
        /**
         * The parent table.
         */
        table: string
        /**
         * Column of the parent table.
         */
        references: string
        /**
         * What happens here when the parent goes.
         */
        on_delete: 'restrict' | 'cascade' | 'set_null'
        /**
         * What happens here when the parent's value changes.
         */
        on_update: 'restrict' | 'cascade' | 'set_null'
      }[]
      /**
       * Event tables: z_order, partitions, fold_case.
       */
      options?: {
        [k: string]: unknown
      }
      /**
       * How many records it holds; for event tables, people.
       */
      record_count: number
      /**
       * Time of the latest change: milliseconds since 1970.
       */
      last_updated_record: number | null
    }
  }
}
