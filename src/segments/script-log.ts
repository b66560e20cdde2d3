import type { PartialResult } from '../pyql/index.js'

/** The node's log, for what scripts say with log(). */
export interface ScriptLog {
  info(facts: { script_log: readonly string[] }, message: string): void
}

/** Writes what scripts have said into the log, in the order of workers; at most so many lines, which are given back. */
export function writeLog(
  partials: readonly (readonly Pick<PartialResult, 'log'>[])[],
  linesMax: number,
  log: ScriptLog | undefined,
): string[] {
  const lines = partials.flatMap((parts) => parts.flatMap((partial) => partial.log)).slice(0, linesMax)
  if (lines.length > 0) log?.info({ script_log: lines }, 'log() of a script')
  return lines
}
