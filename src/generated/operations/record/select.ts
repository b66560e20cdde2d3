// Generated from schemas/ by npm run generate. Do not edit.
// select
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * Database of the table.
   */
  database: string
  /**
   * The base table.
   */
  table: string
  /**
   * Columns of the answer: "*" or a list.
   */
  select:
    | string
    | (
        | string
        | {
            [k: string]: unknown
          }
      )[]
  /**
   * Which rows: {column: value} or a list of [column, operator, value]. Operators: = == != <> < <= > >= like, not like, in, not in, between, not between, is null, is not null.
   */
  where?:
    | {
        [k: string]: unknown
      }
    | unknown[]
    | null
  /**
   * Tables to join: the name of a foreign key's table (or of its column), {"T": {"a.x": "T.y"}}, {"T": {"on": {...}, "type": "inner" | "left", "table": "real name"}}, or a list of these.
   */
  join?:
    | string
    | unknown[]
    | {
        [k: string]: unknown
      }
    | null
  /**
   * Columns whose equal values make a group.
   */
  groupby?: string | string[] | null
  /**
   * Which groups: as where, over names of the answer, grouped columns and aggregates such as {"count": "*"}.
   */
  having?:
    | {
        [k: string]: unknown
      }
    | unknown[]
    | null
  /**
   * Order: "qty", "qty desc", {"column": "qty", "order": "desc"}, or a list. Null comes first, then booleans, numbers, text, JSON.
   */
  orderby?:
    | string
    | (
        | string
        | {
            [k: string]: unknown
          }
      )[]
    | {
        [k: string]: unknown
      }
    | null
  /**
   * Gives equal results once.
   */
  distinct: boolean
  /**
   * Most rows of the answer; select.result_rows_max when left out.
   */
  limit?: number
  /**
   * Rows to leave out first. A cursor is quicker, and right while others write.
   */
  offset: number
  /**
   * The `next` of the page before; all else must be asked the same, but for limit.
   */
  cursor?: string
  /**
   * Adds the plan: the way to the rows, and what was read.
   */
  explain: boolean
  /**
   * As PYQL JSON has it: text that is the name of a column stands for the column, and 'quoted text' is text.
   */
  bare_columns: boolean
}
export interface Sent {
  /**
   * Database of the table.
   */
  database?: string
  /**
   * The base table.
   */
  table: string
  /**
   * Columns of the answer: "*" or a list.
   */
  select:
    | string
    | (
        | string
        | {
            [k: string]: unknown
          }
      )[]
  /**
   * Which rows: {column: value} or a list of [column, operator, value]. Operators: = == != <> < <= > >= like, not like, in, not in, between, not between, is null, is not null.
   */
  where?:
    | {
        [k: string]: unknown
      }
    | unknown[]
    | null
  /**
   * Tables to join: the name of a foreign key's table (or of its column), {"T": {"a.x": "T.y"}}, {"T": {"on": {...}, "type": "inner" | "left", "table": "real name"}}, or a list of these.
   */
  join?:
    | string
    | unknown[]
    | {
        [k: string]: unknown
      }
    | null
  /**
   * Columns whose equal values make a group.
   */
  groupby?: string | string[] | null
  /**
   * Which groups: as where, over names of the answer, grouped columns and aggregates such as {"count": "*"}.
   */
  having?:
    | {
        [k: string]: unknown
      }
    | unknown[]
    | null
  /**
   * Order: "qty", "qty desc", {"column": "qty", "order": "desc"}, or a list. Null comes first, then booleans, numbers, text, JSON.
   */
  orderby?:
    | string
    | (
        | string
        | {
            [k: string]: unknown
          }
      )[]
    | {
        [k: string]: unknown
      }
    | null
  /**
   * Gives equal results once.
   */
  distinct?: boolean
  /**
   * Most rows of the answer; select.result_rows_max when left out.
   */
  limit?: number
  /**
   * Rows to leave out first. A cursor is quicker, and right while others write.
   */
  offset?: number
  /**
   * The `next` of the page before; all else must be asked the same, but for limit.
   */
  cursor?: string
  /**
   * Adds the plan: the way to the rows, and what was read.
   */
  explain?: boolean
  /**
   * As PYQL JSON has it: text that is the name of a column stands for the column, and 'quoted text' is text.
   */
  bare_columns?: boolean
}
export interface Response {
  /**
   * The rows. Absent values are null.
   */
  data: {
    [k: string]: unknown
  }[]
  /**
   * Whether these are all rows (behind the cursor).
   */
  complete: boolean
  /**
   * When cut: the cursor of the rows behind these.
   */
  next?: string
  /**
   * With explain: how the rows were found.
   */
  plan?: {
    /**
     * The base table.
     */
    table?: string
    /**
     * How its rows were found.
     */
    access?: 'primary_key' | 'index' | 'union' | 'scan'
    /**
     * Columns whose indexes were used; several: their intersection or union.
     */
    indexes?: string[]
    /**
     * Whether every record was read.
     */
    full_scan?: boolean
    /**
     * Where the order came from.
     */
    order?: 'none' | 'index' | 'sort' | 'groups'
    /**
     * How each joined table's rows were found.
     */
    joins?: {
      [k: string]: unknown
    }[]
    /**
     * Entries of indexes visited.
     */
    keys_read?: number
    /**
     * Records fetched.
     */
    rows_read?: number
    /**
     * Rows that met the conditions.
     */
    rows_kept?: number
  }
}
