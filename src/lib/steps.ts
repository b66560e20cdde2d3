/** Work in pieces: wherever it yields, others may run before it goes on. */
export type Steps<T> = Generator<void, T, void>

/** What `atOnce` throws at work of more steps than it was told to do. */
export class TooManySteps extends Error {}

/** Does all of it now. @throws TooManySteps */
export function atOnce<T>(steps: Steps<T>, most = Number.POSITIVE_INFINITY): T {
  for (let count = 0; ; count++) {
    const { done, value } = steps.next()
    if (done) return value
    if (count < most) continue
    steps.return(undefined as T)
    throw new TooManySteps()
  }
}

/**
 * Does it with pauses, in which other work of the event loop runs.
 * @param sliceMs time between two pauses, in milliseconds
 * @param check runs after each pause; what it throws ends the work
 */
export async function withPauses<T>(steps: Steps<T>, sliceMs: number, check: () => void): Promise<T> {
  try {
    for (let slice = performance.now(); ; ) {
      const { done, value } = steps.next()
      if (done) return value
      if (performance.now() - slice < sliceMs) continue
      await new Promise(setImmediate)
      check()
      slice = performance.now()
    }
  } finally {
    steps.return(undefined as T) // lets work that is given up tidy up
  }
}

/** Items that are put in order, or made, without a pause. */
const ITEMS_AT_ONCE = 1_000

/** The first `most` of so many items in an order, those of equal rank as they were. */
export function* firstInOrder<T>(
  count: number,
  item: (at: number) => T,
  compare: (a: T, b: T) => number,
  most = Number.POSITIVE_INFINITY,
): Steps<T[]> {
  let runs: T[][] = []
  for (let at = 0; at < count; at += ITEMS_AT_ONCE) {
    const run = Array.from({ length: Math.min(ITEMS_AT_ONCE, count - at) }, (_, beyond) => item(at + beyond))
    runs.push(run.sort(compare).slice(0, most))
    yield
  }
  while (runs.length > 1) {
    const longer: T[][] = []
    for (let at = 0; at < runs.length; at += 2) longer.push(yield* joined(runs[at]!, runs[at + 1] ?? [], compare, most))
    runs = longer
  }
  return runs[0] ?? []
}

function* joined<T>(a: T[], b: T[], compare: (a: T, b: T) => number, most: number): Steps<T[]> {
  const both: T[] = []
  const end = Math.min(a.length + b.length, most)
  for (let i = 0, k = 0; both.length < end; ) {
    if (both.length % ITEMS_AT_ONCE === 0) yield
    const isFirst = k === b.length || (i < a.length && compare(a[i]!, b[k]!) <= 0)
    both.push(isFirst ? a[i++]! : b[k++]!)
  }
  return both
}
