import { Problem } from '../lib/index.js'
import { PyqlError } from '../pyql/index.js'

/** A mistake in a script as a problem with its line, column and picture; anything else as it is. */
export function problemOf(error: unknown): unknown {
  if (!(error instanceof PyqlError)) return error
  const { kind, message, place, picture } = error
  if (kind === 'cancelled') return new Problem('query_cancelled', {})
  const code = kind === 'limit' ? 'script_limit' : kind === 'run_time' ? 'script_failed' : 'script_invalid'
  return new Problem(code, { reason: message }, { ...place, ...(picture !== undefined && { picture }) })
}
