// Generated from schemas/ by npm run generate. Do not edit.
// insert
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
   * The records.
   */
  records: {
    [k: string]: unknown
  }[]
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
   * The records.
   */
  records: {
    [k: string]: unknown
  }[]
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
   * Keys of the records that were stored, in the order of the request, generated ones too.
   */
  inserted_hashes: (string | number)[]
  /**
   * Keys that existed already.
   */
  skipped_hashes: (string | number)[]
  /**
   * Where the change was when this was answered: flushed to disk.
   */
  durability: 'disk'
}
