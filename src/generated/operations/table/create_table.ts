// Generated from schemas/ by npm run generate. Do not edit.
// create_table
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
   * The primary key; may be left out where a column says is_primary_key, and for events.
   */
  primary_key?: string
  /**
   * The columns of a declared table or of events; without them the table is dynamic.
   */
  columns?:
    | {
        /**
         * Name of the column.
         */
        name: string
        /**
         * text, int, double, bool, json, blob, timestamp or any; HarperDB's and pyql's names are understood. Without it any; for events text.
         */
        type?: string
        /**
         * Refuse null.
         */
        not_null?: boolean
        /**
         * Value of records that leave the column out.
         */
        default?: unknown
        /**
         * Refuse a second record with the same value.
         */
        unique?: boolean
        /**
         * Keep an index; true unless the type cannot be indexed.
         */
        indexed?: boolean
        /**
         * Count up where records leave the column out; int only.
         */
        auto_increment?: boolean
        /**
         * Event tables: the column holds a set of values.
         */
        is_set?: boolean
        /**
         * This column is the primary key.
         */
        is_primary_key?: boolean
        /**
         * SQL words of pyql: NOT NULL, UNIQUE, DEFAULT x, AUTOINCREMENT, PRIMARY KEY.
         */
        mods?: string | null
      }[]
    | null
  /**
   * Columns that name rows of other tables.
   *
   * @maxItems 100
   */
  foreign_keys?:
    | {
        /**
         * Column of this table.
         */
        column: string
        /**
         * The parent table, in the same database.
         */
        table: string
        /**
         * Column of the parent table: its primary key or a unique column.
         */
        references: string
        /**
         * When the parent row is deleted: refuse (the default), delete here too, or set null here; where the column is not_null, set_null refuses as restrict does.
         */
        on_delete?: 'restrict' | 'cascade' | 'set_null'
        /**
         * When the parent's value changes: refuse (the default), change here too, or set null here, as for on_delete.
         */
        on_update?: 'restrict' | 'cascade' | 'set_null'
        /**
         * SQL words of pyql: ON DELETE CASCADE, ON UPDATE SET NULL…
         */
        mods?: string | null
      }[]
    | null
  /**
   * What the table holds.
   */
  kind: 'records' | 'events'
  /**
   * Event tables: the order of actions with the same stamp.
   *
   * @maxItems 1000
   */
  z_order?: string[]
  /**
   * Event tables: number of partitions; fixed for the life of the table.
   */
  partitions?: number
  /**
   * Event tables: person ids that differ in case only are one person.
   */
  fold_case?: boolean
  /**
   * Where a table of this very definition is there already, keep it and answer as if it had just been created; one of another definition is refused all the same.
   */
  keep_equal: boolean
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
   * The primary key; may be left out where a column says is_primary_key, and for events.
   */
  primary_key?: string
  /**
   * The columns of a declared table or of events; without them the table is dynamic.
   */
  columns?:
    | {
        /**
         * Name of the column.
         */
        name: string
        /**
         * text, int, double, bool, json, blob, timestamp or any; HarperDB's and pyql's names are understood. Without it any; for events text.
         */
        type?: string
        /**
         * Refuse null.
         */
        not_null?: boolean
        /**
         * Value of records that leave the column out.
         */
        default?: unknown
        /**
         * Refuse a second record with the same value.
         */
        unique?: boolean
        /**
         * Keep an index; true unless the type cannot be indexed.
         */
        indexed?: boolean
        /**
         * Count up where records leave the column out; int only.
         */
        auto_increment?: boolean
        /**
         * Event tables: the column holds a set of values.
         */
        is_set?: boolean
        /**
         * This column is the primary key.
         */
        is_primary_key?: boolean
        /**
         * SQL words of pyql: NOT NULL, UNIQUE, DEFAULT x, AUTOINCREMENT, PRIMARY KEY.
         */
        mods?: string | null
      }[]
    | null
  /**
   * Columns that name rows of other tables.
   *
   * @maxItems 100
   */
  foreign_keys?:
    | {
        /**
         * Column of this table.
         */
        column: string
        /**
         * The parent table, in the same database.
         */
        table: string
        /**
         * Column of the parent table: its primary key or a unique column.
         */
        references: string
        /**
         * When the parent row is deleted: refuse (the default), delete here too, or set null here; where the column is not_null, set_null refuses as restrict does.
         */
        on_delete?: 'restrict' | 'cascade' | 'set_null'
        /**
         * When the parent's value changes: refuse (the default), change here too, or set null here, as for on_delete.
         */
        on_update?: 'restrict' | 'cascade' | 'set_null'
        /**
         * SQL words of pyql: ON DELETE CASCADE, ON UPDATE SET NULL…
         */
        mods?: string | null
      }[]
    | null
  /**
   * What the table holds.
   */
  kind?: 'records' | 'events'
  /**
   * Event tables: the order of actions with the same stamp.
   *
   * @maxItems 1000
   */
  z_order?: string[]
  /**
   * Event tables: number of partitions; fixed for the life of the table.
   */
  partitions?: number
  /**
   * Event tables: person ids that differ in case only are one person.
   */
  fold_case?: boolean
  /**
   * Where a table of this very definition is there already, keep it and answer as if it had just been created; one of another definition is refused all the same.
   */
  keep_equal?: boolean
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
}
