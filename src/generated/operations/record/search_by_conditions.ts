// Generated from schemas/ by npm run generate. Do not edit.
// search_by_conditions
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
   * Whether all conditions must hold (and) or one of them (or).
   */
  operator: string
  /**
   * At least one of {attribute (or a path in a JSON value, as a list), comparator, value} or {operator, conditions}; also search_attribute, search_type, search_value.
   */
  conditions: {
    [k: string]: unknown
  }[]
  /**
   * {attribute, descending, next}: next decides among equals.
   */
  sort?: {
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
   * Whether all conditions must hold (and) or one of them (or).
   */
  operator?: string
  /**
   * At least one of {attribute (or a path in a JSON value, as a list), comparator, value} or {operator, conditions}; also search_attribute, search_type, search_value.
   */
  conditions: {
    [k: string]: unknown
  }[]
  /**
   * {attribute, descending, next}: next decides among equals.
   */
  sort?: {
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
   * Answers {data, plan} instead: see select.
   */
  explain?: boolean
}
