// Dates of stamps in milliseconds since 1970, UTC, without Date objects; NaN (None) stays NaN.
import { timeOf } from '../../lib/index.js'

export const secondMs = 1000
export const minuteMs = 60_000
export const hourMs = 3_600_000
export const dayMs = 86_400_000

/** Stamps nearer to 1970 than this are seconds: 2100-01-01 as seconds, 17 February 1970 as milliseconds. */
const secondsBelow = 4_102_444_800

/** Milliseconds of a stamp in seconds or milliseconds. */
export function toMilliseconds(stamp: number): number {
  return Math.abs(stamp) < secondsBelow ? stamp * secondMs : stamp
}

interface Civil {
  year: number
  /** 1 to 12. */
  month: number
  /** 1 to 31. */
  day: number
}

/** Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days. */
function civilOf(ms: number): Civil {
  const z = Math.floor(ms / dayMs) + 719468
  const era = Math.floor(z / 146097)
  const dayOfEra = z - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  }
}

/** Milliseconds of the beginning of a day; the inverse of civilOf (days_from_civil of the same source). */
function startOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return (era * 146097 + dayOfEra - 719468) * dayMs
}

function part(ms: number, unit: number, count: number): number {
  const units = Math.floor(ms / unit)
  return units - Math.floor(units / count) * count
}

function floorTo(ms: number, unit: number): number {
  return Math.floor(ms / unit) * unit
}

/** 0 is Sunday. */
function weekday(ms: number): number {
  return part(ms + 4 * dayMs, dayMs, 7)
}

/** Date functions by their names in scripts: a number in, a whole number out. */
export const dateFunctions: Readonly<Record<string, (ms: number) => number>> = {
  to_seconds: (ms) => Math.trunc(ms / secondMs),
  to_minutes: (ms) => Math.trunc(ms / minuteMs),
  to_hours: (ms) => Math.trunc(ms / hourMs),
  to_days: (ms) => Math.trunc(ms / dayMs),
  get_second: (ms) => part(ms, secondMs, 60),
  get_minute: (ms) => part(ms, minuteMs, 60),
  get_hour: (ms) => part(ms, hourMs, 24),
  get_month: (ms) => civilOf(ms).month,
  get_quarter: (ms) => Math.ceil(civilOf(ms).month / 3),
  get_year: (ms) => civilOf(ms).year,
  get_day_of_week: (ms) => weekday(ms) + 1,
  get_day_of_month: (ms) => civilOf(ms).day,
  get_day_of_year: (ms) => Math.floor(ms / dayMs) - startOf(civilOf(ms).year, 1, 1) / dayMs + 1,
  date_second: (ms) => floorTo(ms, secondMs),
  date_minute: (ms) => floorTo(ms, minuteMs),
  date_hour: (ms) => floorTo(ms, hourMs),
  date_day: (ms) => floorTo(ms, dayMs),
  date_week: (ms) => floorTo(ms, dayMs) - weekday(ms) * dayMs,
  date_month: (ms) => startOf(civilOf(ms).year, civilOf(ms).month, 1),
  date_quarter: (ms) => startOf(civilOf(ms).year, Math.ceil(civilOf(ms).month / 3) * 3 - 2, 1),
  date_year: (ms) => startOf(civilOf(ms).year, 1, 1),
}

/** Milliseconds of an ISO 8601 text (a date alone, too; UTC unless it says otherwise), or NaN. */
export function readTime(text: string): number {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/i.exec(text.trim())
  if (!match) return Number.NaN
  return timeOf(`${match[1]}T${match[2] ?? '00:00'}${(match[3] ?? 'Z').toUpperCase()}`) ?? Number.NaN
}
