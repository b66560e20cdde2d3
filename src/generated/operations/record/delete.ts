// Generated from schemas/ by npm run generate. Do not edit.
// delete
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
   * Keys of the records.
   */
  ids?: (string | number)[]
  /**
   * The records meant, by condition, as in select. It must hold a condition, and needs the right to read the table, as if does.
   */
  where?:
    | {
        [k: string]: unknown
      }
    | unknown[]
  /**
   * Compare and set: a where (as in select) that every stored record of the request must meet; otherwise 412 and nothing is stored.
   */
  if?:
    | {
        [k: string]: unknown
      }
    | unknown[]
  /**
   * Text in where that names a column stands for the column, as in PYQL JSON.
   */
  bare_columns: boolean
  /**
   * Refuse the whole operation where a record would be skipped.
   */
  atomic: boolean
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
   * Keys of the records.
   */
  ids?: (string | number)[]
  /**
   * The records meant, by condition, as in select. It must hold a condition, and needs the right to read the table, as if does.
   */
  where?:
    | {
        [k: string]: unknown
      }
    | unknown[]
  /**
   * Compare and set: a where (as in select) that every stored record of the request must meet; otherwise 412 and nothing is stored.
   */
  if?:
    | {
        [k: string]: unknown
      }
    | unknown[]
  /**
   * Text in where that names a column stands for the column, as in PYQL JSON.
   */
  bare_columns?: boolean
  /**
   * Refuse the whole operation where a record would be skipped.
   */
  atomic?: boolean
  /**
   * A value of your own making: the same request with the same key within 24 hours is run once and answered the same. The header Idempotency-Key does the same.
   */
  idempotency_key?: string
}
export interface Response {
  /**
   * What was done, in words.
   */
  message: string
  /**
   * Keys of the records that were deleted.
   */
  deleted_hashes: (string | number)[]
  /**
   * Keys that do not exist.
   */
  skipped_hashes: (string | number)[]
  /**
   * Where the change was when this was answered: flushed to disk.
   */
  durability: 'disk'
}
