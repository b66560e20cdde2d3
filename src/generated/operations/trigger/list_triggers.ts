// Generated from schemas/ by npm run generate. Do not edit.
// list_triggers
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
}
export interface Response {
  /**
   * The triggers.
   */
  triggers: {
    /**
     * Name of the event table.
     */
    table: string
    /**
     * Name of the trigger.
     */
    reevent: string
    /**
     * Its script.
     */
    script: string
    /**
     * Functions without parameters: those that can be called.
     */
    functions: string[]
    /**
     * When it was made or changed last.
     */
    created_at: string
    /**
     * How often the script failed since the start of the node.
     */
    failures: number
    /**
     * Why it failed last.
     */
    last_failure?: string
    /**
     * Its subscribers.
     */
    subscribers: {
      /**
       * Name.
       */
      sub: string
      /**
       * Host of the web-hook.
       */
      host: string
      /**
       * Its port.
       */
      port: number
      /**
       * Its path and query, which may hold a secret: told to those only who may change the trigger.
       */
      path?: string
      /**
       * Whether it is called over HTTPS.
       */
      tls: boolean
      /**
       * Age in milliseconds at which messages become dead letters.
       */
      retention: number
      /**
       * Whether calls are signed.
       */
      signed: boolean
      /**
       * Messages that wait.
       */
      waiting: number
      /**
       * Messages that were given up.
       */
      dead_letters: number
      /**
       * Calls that failed since the start of the node.
       */
      failures: number
      /**
       * Why the last of them failed.
       */
      last_failure?: string
    }[]
  }[]
}
