/** Half away from zero at a number of decimal places. */
export function roundTo(value: number, places: number): number {
  if (Number.isNaN(value) || Number.isInteger(value)) return value + 0
  const factor = 10 ** clampPlaces(places)
  const scaled = Math.abs(value) * factor
  const whole = Math.floor(scaled)
  const rounded = (scaled - whole < 0.5 ? whole : whole + 1) / factor
  if (!Number.isFinite(rounded)) return value
  return value < 0 ? 0 - rounded : rounded
}

/** A text with exactly so many decimal places, half away from zero. */
export function fixTo(value: number, places: number): string {
  return roundTo(value, places).toFixed(clampPlaces(places))
}

function clampPlaces(places: number): number {
  return Math.min(10, Math.max(0, Math.trunc(places) || 0))
}

/** How many times `size` goes into the value, toward zero: the number of its bucket. */
export function bucketNumber(value: number, size: number): number {
  if (size !== 0 && Number.isInteger(value) && Number.isInteger(size)) return (value - (value % size)) / size
  const quotient = value / size
  const nearest = Math.round(quotient)
  // 0.3 / 0.1 is 2.9999999999999996: a value that is a multiple but for the last bits belongs to its own bucket.
  const lastBits = Math.min(1e-12 * Math.abs(quotient), 1e-6)
  return Math.abs(quotient - nearest) <= lastBits ? nearest : Math.trunc(quotient)
}

/** The multiple of `size` at or next to the value in the direction of zero; 0 when size is 0. */
export function bucketOf(value: number, size: number): number {
  if (Number.isNaN(value) || Number.isNaN(size)) return Number.NaN
  if (size === 0) return 0
  const bucket = bucketNumber(value, size) * size
  if (!Number.isFinite(bucket)) return value // of so many buckets a double cannot tell two apart
  return Number.isInteger(bucket) ? bucket + 0 : Number(bucket.toPrecision(15)) + 0
}

/** Truncates toward zero; 0 when the divisor is 0. Never -0. */
export function divideInts(a: number, b: number): number {
  return b === 0 ? a - a : Math.trunc(a / b) + 0
}

/** 0 when the divisor is 0. */
export function divideDoubles(a: number, b: number): number {
  return b === 0 ? a - a : a / b
}
