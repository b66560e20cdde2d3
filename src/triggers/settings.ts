/** The group triggers of schemas/config.json. */
export interface TriggersSettings {
  triggers_max: number
  subscribers_max: number
  schedule_check_ms: number
  scheduled_max: number
  inserts_batch_max: number
}

/** The group webhooks of schemas/config.json. */
export interface WebhooksSettings {
  allow: readonly string[]
  timeout_ms: number
  messages_max: number
  backoff_first_ms: number
  backoff_max_ms: number
  retention_ms: number
  queue_max: number
  dead_letters_max: number
  message_characters_max: number
}
