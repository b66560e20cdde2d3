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
