// Generated from schemas/ by npm run generate. Do not edit.
// search_by_value
/**
 * The records; with explain an object of data and plan.
 */
export type Response =
  | {
      [k: string]: unknown
    }[]
  | {
      [k: string]: unknown
    }

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
   * The table.
   */
  table: string
  /**
   * The attribute to look at.
   */
  attribute: string
  /**
   * The value to find.
   */
  value:
    | string
    | number
    | boolean
    | null
    | unknown[]
    | {
        [k: string]: unknown
      }
  /**
   * Attributes of the answer; left out or ["*"]: all.
   *
   * @minItems 1
   */
  get_attributes?: [string, ...string[]]
  /**
   * Most records of the answer.
   */
  limit?: number
  /**
   * Records to leave out first.
   */
  offset: number
  /**
   * Orders by the attribute, greatest first.
   */
  desc: boolean
  /**
   * Answers {data, plan} instead: see select.
   */
  explain: boolean
}
export interface Sent {
  /**
   * Database of the table.
   */
  database?: string
  /**
   * The table.
   */
  table: string
  /**
   * The attribute to look at.
   */
  attribute: string
  /**
   * The value to find.
   */
  value:
    | string
    | number
    | boolean
    | null
    | unknown[]
    | {
        [k: string]: unknown
      }
  /**
   * Attributes of the answer; left out or ["*"]: all.
   *
   * @minItems 1
   */
  get_attributes?: [string, ...string[]]
  /**
   * Most records of the answer.
   */
  limit?: number
  /**
   * Records to leave out first.
   */
  offset?: number
  /**
   * Orders by the attribute, greatest first.
   */
  desc?: boolean
  /**
   * Answers {data, plan} instead: see select.
   */
  explain?: boolean
}
