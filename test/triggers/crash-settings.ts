export const crashSettings = {
  'webhooks.allow': '127.0.0.1',
  'webhooks.backoff_first_ms': '5',
  'webhooks.backoff_max_ms': '50',
}
