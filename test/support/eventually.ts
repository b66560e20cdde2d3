import { setTimeout as delay } from 'node:timers/promises'

/** Ends what would never come. It says nothing of speed: the slowest machine that runs the tests stays far below. */
const PATIENCE_MS = 120_000

/** Asks again until the answer is true. */
export async function eventually(
  what: string,
  holds: () => Promise<boolean> | boolean,
  withinMs = PATIENCE_MS,
): Promise<void> {
  const until = performance.now() + withinMs
  while (performance.now() < until) {
    if (await holds()) return
    await delay(20)
  }
  throw new Error(`not within ${withinMs} ms: ${what}`)
}
