import { constants } from 'node:os'
import { Problem } from '../lib/index.js'
import { freeBytes } from './free-space.js'

/** LMDB's code for a map that has reached its size (setting storage.map_bytes). */
const MAP_FULL = -30792
/**
 * In LMDB's message when the page could not be written that says which data is valid: until the environment is opened
 * again nobody may read it. The error's code is MDB_PANIC's at first and EINVAL's later.
 */
const PANIC = 'MDB_PANIC'
const { EACCES, EDQUOT, EFBIG, EIO, ENOSPC } = constants.errno
const noSpace = new Set<number>([ENOSPC, EDQUOT, EFBIG, MAP_FULL])

/** What a failed commit means. */
export interface Failure {
  /** For those whose changes were in it. */
  problem: Problem
  /** For those who write later, when the environment cannot be written to again. */
  lasting?: Problem
}

/** What stands for the error of a write that was not tried, because the disk has no room for it. */
export const noRoom = Object.assign(new Error('The disk is full'), { code: ENOSPC })

/** Below this much free space a failed write is taken for want of space, in bytes. */
const SPACE_MIN = 16 << 20

/** What is known of a failed commit besides its error. */
export interface Circumstances {
  /** The data file. */
  file: string
  /** The commit failed after readers could see it: memory and disk disagree from now on. */
  isVisible: boolean
}

/**
 * Reads the reason of a failed commit. lmdb-js rejects with a general error whose `commitError` is rejected with the
 * real one; it is awaited here, because a rejection that nobody awaits ends the process. LMDB reports a write that was
 * cut short, as the first one on a full disk is, as an I/O error: the free space tells which it was.
 */
export async function failureOf(error: unknown, { file, isVisible }: Circumstances): Promise<Failure> {
  const reason = await (error as { commitError?: Promise<never> }).commitError?.catch((cause: unknown) => cause)
  const { code, message } = (reason ?? error) as { code?: number; message?: string }
  const isFull = code !== undefined && (noSpace.has(code) || (code === EIO && freeBytes(file) < SPACE_MIN))
  if (isFull && !isVisible) return { problem: new Problem('disk_full', {}) }
  const facts = { reason: message ?? String(error) }
  return { problem: new Problem('outcome_unknown', facts), lasting: new Problem('storage_unavailable', facts) }
}

/** Reads the reason of a failed read: what tells the caller, where there is more to tell than the error itself. */
export function readFailureOf(error: unknown): unknown {
  const isPanic = error instanceof Error && !(error instanceof Problem) && error.message.includes(PANIC)
  return isPanic ? new Problem('storage_unreadable', { reason: error.message }) : error
}

/** Reads the reason why a folder could not be opened: files of another user in it are its operator's to mend. */
export function openFailureOf(error: unknown, folder: string): unknown {
  const isRefused = (error as { code?: unknown }).code === EACCES
  return isRefused ? new Problem('data_folder_unusable', { folder, reason: 'its files belong to another user' }) : error
}
