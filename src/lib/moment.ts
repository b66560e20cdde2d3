import { Problem } from './problem.js'

/** The time that a field names, in milliseconds since 1970; without an offset it is the node's own. @throws Problem invalid_request */
export function momentIn(field: string, text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time))
    throw new Problem('invalid_request', {
      reason: `'${field}' must be a date or time of ISO 8601, as 2026-01-31 or 2026-01-31T10:00:00+01:00`,
    })
  return time
}
