import { Problem } from '../lib/index.js'
import { PyqlError } from '../pyql/index.js'
import { readFailureOf } from '../storage/index.js'

/** A mistake in a script as a problem with its line, column and picture, storage that cannot be read as one too. */
export function problemOf(error: unknown): unknown {
  if (!(error instanceof PyqlError)) return readFailureOf(error)
  const { kind, message, place, picture } = error
  if (kind === 'cancelled') return new Problem('query_cancelled', {})
  const code = kind === 'limit' ? 'script_limit' : kind === 'run_time' ? 'script_failed' : 'script_invalid'
  return new Problem(code, { reason: message }, { ...place, ...(picture !== undefined && { picture }) })
}
