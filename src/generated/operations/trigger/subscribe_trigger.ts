// Generated from schemas/ by npm run generate. Do not edit.
// subscribe_trigger
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
   * Host of the web-hook: a name or an address.
   */
  host: string
  /**
   * Its port.
   */
  port: number
  /**
   * Its path.
   */
  path: string
  /**
   * Call it over HTTPS.
   */
  tls: boolean
  /**
   * Age in milliseconds at which messages that were not delivered become dead letters; the setting webhooks.retention_ms when missing.
   */
  retention?: number
  /**
   * Key of the signature in the header webhook-signature (Standard Webhooks): whsec_ and base64, or any text. When missing, a subscriber that is there keeps the one that it has; null ends signing.
   */
  secret?: string | null
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
   * Host of the web-hook: a name or an address.
   */
  host: string
  /**
   * Its port.
   */
  port?: number
  /**
   * Its path.
   */
  path?: string
  /**
   * Call it over HTTPS.
   */
  tls?: boolean
  /**
   * Age in milliseconds at which messages that were not delivered become dead letters; the setting webhooks.retention_ms when missing.
   */
  retention?: number
  /**
   * Key of the signature in the header webhook-signature (Standard Webhooks): whsec_ and base64, or any text. When missing, a subscriber that is there keeps the one that it has; null ends signing.
   */
  secret?: string | null
  /**
   * A value of your own making: the same request with the same key within 24 hours is run once and answered the same. The header Idempotency-Key does the same.
   */
  idempotency_key?: string
}
export interface Response {
  /**
   * What was done.
   */
  message: string
  /**
   * Name of the event table.
   */
  table: string
  /**
   * Name of the trigger.
   */
  reevent: string
  /**
   * Name of the subscriber.
   */
  sub: string
}
