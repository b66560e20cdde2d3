// Generated from schemas/ by npm run generate. Do not edit.
// replace_records
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
   * All records that the table holds afterwards.
   */
  records: {
    [k: string]: unknown
  }[]
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
   * All records that the table holds afterwards.
   */
  records: {
    [k: string]: unknown
  }[]
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
   * Keys of the records that the table holds now.
   */
  replaced_hashes: (string | number)[]
  /**
   * Where the change was when this was answered: flushed to disk.
   */
  durability: 'disk'
}
