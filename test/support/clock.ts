/** A wall clock that a test moves. */
export interface Clock {
  /** Lets time pass at once. */
  pass(ms: number): void
}

/**
 * Runs a test on a wall clock that it moves. What has to be there before a time is over is there then on the slowest
 * machine, and nobody waits. Threads and other processes have their own clocks.
 */
export async function withClock(test: (clock: Clock) => Promise<void>): Promise<void> {
  const { now } = Date
  let passed = 0
  Date.now = () => now() + passed
  try {
    await test({
      pass: (ms) => {
        passed += ms
      },
    })
  } finally {
    Date.now = now
  }
}
