// Generated from schemas/ by npm run generate. Do not edit.
// transaction
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
   * The operations, in their order.
   *
   * @minItems 1
   * @maxItems 1000
   */
  operations: [
    {
      /**
       * What to do.
       */
      operation: 'insert' | 'update' | 'upsert' | 'delete'
      /**
       * Name of the table.
       */
      table: string
      /**
       * As in the operation of that name.
       */
      records?: {
        [k: string]: unknown
      }[]
      /**
       * As in update.
       */
      set?: {
        [k: string]: unknown
      }
      /**
       * Keys, as in update and delete.
       */
      ids?: (
        | string
        | number
        | {
            [k: string]: unknown
          }
      )[]
      /**
       * Another name of ids.
       */
      hash_values?: (
        | string
        | number
        | {
            [k: string]: unknown
          }
      )[]
      /**
       * If it is given, that of the transaction, which is about one.
       */
      database?: string
      /**
       * Another name of database.
       */
      schema?: string
      /**
       * The records meant, by condition, as in select. It must hold a condition.
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
       * Refuse everything where a record would be skipped.
       */
      atomic: boolean
    },
    ...{
      /**
       * What to do.
       */
      operation: 'insert' | 'update' | 'upsert' | 'delete'
      /**
       * Name of the table.
       */
      table: string
      /**
       * As in the operation of that name.
       */
      records?: {
        [k: string]: unknown
      }[]
      /**
       * As in update.
       */
      set?: {
        [k: string]: unknown
      }
      /**
       * Keys, as in update and delete.
       */
      ids?: (
        | string
        | number
        | {
            [k: string]: unknown
          }
      )[]
      /**
       * Another name of ids.
       */
      hash_values?: (
        | string
        | number
        | {
            [k: string]: unknown
          }
      )[]
      /**
       * If it is given, that of the transaction, which is about one.
       */
      database?: string
      /**
       * Another name of database.
       */
      schema?: string
      /**
       * The records meant, by condition, as in select. It must hold a condition.
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
       * Refuse everything where a record would be skipped.
       */
      atomic: boolean
    }[]
  ]
}
export interface Sent {
  /**
   * Name of the database.
   */
  database?: string
  /**
   * The operations, in their order.
   *
   * @minItems 1
   * @maxItems 1000
   */
  operations: [
    {
      /**
       * What to do.
       */
      operation: 'insert' | 'update' | 'upsert' | 'delete'
      /**
       * Name of the table.
       */
      table: string
      /**
       * As in the operation of that name.
       */
      records?: {
        [k: string]: unknown
      }[]
      /**
       * As in update.
       */
      set?: {
        [k: string]: unknown
      }
      /**
       * Keys, as in update and delete.
       */
      ids?: (
        | string
        | number
        | {
            [k: string]: unknown
          }
      )[]
      /**
       * Another name of ids.
       */
      hash_values?: (
        | string
        | number
        | {
            [k: string]: unknown
          }
      )[]
      /**
       * If it is given, that of the transaction, which is about one.
       */
      database?: string
      /**
       * Another name of database.
       */
      schema?: string
      /**
       * The records meant, by condition, as in select. It must hold a condition.
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
       * Refuse everything where a record would be skipped.
       */
      atomic?: boolean
    },
    ...{
      /**
       * What to do.
       */
      operation: 'insert' | 'update' | 'upsert' | 'delete'
      /**
       * Name of the table.
       */
      table: string
      /**
       * As in the operation of that name.
       */
      records?: {
        [k: string]: unknown
      }[]
      /**
       * As in update.
       */
      set?: {
        [k: string]: unknown
      }
      /**
       * Keys, as in update and delete.
       */
      ids?: (
        | string
        | number
        | {
            [k: string]: unknown
          }
      )[]
      /**
       * Another name of ids.
       */
      hash_values?: (
        | string
        | number
        | {
            [k: string]: unknown
          }
      )[]
      /**
       * If it is given, that of the transaction, which is about one.
       */
      database?: string
      /**
       * Another name of database.
       */
      schema?: string
      /**
       * The records meant, by condition, as in select. It must hold a condition.
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
       * Refuse everything where a record would be skipped.
       */
      atomic?: boolean
    }[]
  ]
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
   * The answer of each operation.
   */
  results: {
    [k: string]: unknown
  }[]
  /**
   * Where the change was when this was answered: flushed to disk.
   */
  durability: 'disk'
}
