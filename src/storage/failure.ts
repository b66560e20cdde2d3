import { constants } from 'node:os'
import { Problem } from '../lib/index.js'

/** LMDB's code for a map that has reached its size (setting storage.map_bytes). */
const MAP_FULL = -30792
const { ENOSPC, EDQUOT, EFBIG } = constants.errno
const noSpace = new Set<number>([ENOSPC, EDQUOT, EFBIG, MAP_FULL])

/** What a failed commit means to callers, and whether the environment can be written to again. */
export interface Failure {
  problem: Problem
  lasting: boolean
}

/**
 * Reads the reason of a failed commit. lmdb-js rejects with a general error whose `commitError` is rejected with the
 * real one; it is awaited here, because a rejection that nobody awaits ends the process.
 */
export async function failureOf(error: unknown): Promise<Failure> {
  const reason = await (error as { commitError?: Promise<never> }).commitError?.catch((cause: unknown) => cause)
  const { code, message } = (reason ?? error) as { code?: number; message?: string }
  if (code !== undefined && noSpace.has(code)) return { problem: new Problem('disk_full', {}), lasting: false }
  return { problem: new Problem('storage_unavailable', { reason: message ?? String(error) }), lasting: true }
}
