import { Problem } from './problem.js'

/** The time that a field names, in milliseconds since 1970; without an offset it is UTC. @throws Problem invalid_request */
export function momentIn(field: string, text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? timeOf(text) : undefined
  if (time === undefined)
    throw new Problem('invalid_request', {
      reason: `'${field}' must be a date or time of ISO 8601, as 2026-01-31 or 2026-01-31T10:00:00+01:00`,
    })
  return time
}

const withoutOffset = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/i

/** Milliseconds since 1970 of a date or time of ISO 8601; undefined where the text is none. Without an offset it is UTC, as for events: the machine's zone is nothing that a caller knows. */
export function timeOf(text: string): number | undefined {
  const [, year, month, day = 1] = /^(\d{4})-(\d\d)(?:-(\d\d))?/.exec(text) ?? []
  // Date.parse takes the 30th of February for the 1st or 2nd of March.
  if (year === undefined || Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate())
    return undefined
  const time = Date.parse(withoutOffset.test(text) ? `${text}Z` : text)
  return Number.isNaN(time) ? undefined : time
}
