import { type HybridClock, Problem } from '../lib/index.js'

/** Takes note of a time of another node, so that what is done here from now on is later. @throws Problem clock_ahead */
export type Observe = (node: string, time: number) => void

/** @param aheadMsMax how far ahead of our clock the time of another node may be, in milliseconds */
export function observerOf(clock: HybridClock, aheadMsMax: number): Observe {
  return (node, time) => {
    if (time > Date.now() + aheadMsMax) throw new Problem('clock_ahead', { node, limit: aheadMsMax })
    clock.observe(time)
  }
}
