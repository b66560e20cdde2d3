// Generated from schemas/ by npm run generate. Do not edit.
// upsert
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
   * Compare and set: a where (as in select) that every stored record of the request must meet; otherwise 412 and nothing is stored.
   */
  if?:
    | {
        [k: string]: unknown
      }
    | unknown[]
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
   * Compare and set: a where (as in select) that every stored record of the request must meet; otherwise 412 and nothing is stored.
   */
  if?:
    | {
        [k: string]: unknown
      }
    | unknown[]
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
   * Keys of the records, in the order of the request.
   */
  upserted_hashes: (string | number)[]
  /**
   * Where the change was when this was answered: flushed to disk.
   */
  durability: 'disk'
}
