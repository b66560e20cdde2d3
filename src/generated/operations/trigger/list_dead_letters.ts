// Generated from schemas/ by npm run generate. Do not edit.
// list_dead_letters
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
   * Name of the event table.
   */
  table: string
  /**
   * Name of the trigger.
   */
  trigger: string
  /**
   * Name of the subscriber.
   */
  subscriber: string
  /**
   * Number to begin with.
   */
  from: number
  /**
   * Most letters in the answer.
   */
  limit: number
}
export interface Sent {
  /**
   * Name of the database.
   */
  database?: string
  /**
   * Name of the event table.
   */
  table: string
  /**
   * Name of the trigger.
   */
  trigger: string
  /**
   * Name of the subscriber.
   */
  subscriber: string
  /**
   * Number to begin with.
   */
  from?: number
  /**
   * Most letters in the answer.
   */
  limit?: number
}
export interface Response {
  /**
   * The letters.
   */
  dead_letters: {
    /**
     * Place in the queue.
     */
    number: number
    /**
     * When it was said: milliseconds since 1970.
     */
    stamp: number
    /**
     * The person.
     */
    uid: string | number
    /**
     * The message.
     */
    message: string | number | boolean
    /**
     * The function that said it.
     */
    method: string
    /**
     * Why it was given up.
     */
    reason: string
  }[]
}
