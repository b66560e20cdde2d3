/** Numbers below this are seconds since 1970, numbers from here on milliseconds: 2100-01-01 in seconds. */
const SECONDS_END = 4_102_444_800
/** The end of the year 9999. */
const STAMP_END = 253_402_300_800_000

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d))?)?$/i

/** Milliseconds since 1970 of a stamp in seconds, milliseconds or ISO 8601 (date alone too), or why it is none. */
export function readStamp(stamp: unknown): number | string {
  if (typeof stamp === 'number') {
    const time = stamp < SECONDS_END ? Math.floor(stamp) * 1000 : Math.floor(stamp)
    return inRange(time, stamp)
  }
  if (typeof stamp === 'string') return readIso(stamp)
  if (stamp === undefined || stamp === null) return 'the stamp is missing'
  return 'the stamp is neither a number nor a text'
}

function readIso(text: string): number | string {
  const parts = ISO.exec(text)
  if (!parts) return `the stamp '${text.slice(0, 40)}' is not an ISO 8601 time`
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', sign, offsetHours, offsetMinutes] =
    parts
  const date = Date.UTC(+year!, +month! - 1, +day!)
  const valid =
    new Date(date).getUTCDate() === +day! && +month! >= 1 && +month! <= 12 && +hour < 24 && +minute < 60 && +second < 61
  if (!valid) return `the stamp '${text}' is no time of the calendar`
  const offset = sign ? (sign === '-' ? -1 : 1) * (+offsetHours! * 60 + +offsetMinutes!) : 0
  const milliseconds = Math.floor(Number(`0.${fraction || '0'}`) * 1000)
  return inRange(date + ((+hour * 60 + +minute - offset) * 60 + +second) * 1000 + milliseconds, text)
}

function inRange(time: number, given: number | string): number | string {
  if (time >= 0 && time < STAMP_END) return time
  return `the stamp ${typeof given === 'string' ? `'${given}'` : given} is out of range (1970 to 9999)`
}
