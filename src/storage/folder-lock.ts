import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { identityOfProcess, isRunning, Problem, type ProcessIdentity } from '../lib/index.js'

/** How long another process may take to replace a stale lock, in milliseconds. */
const TAKEOVER_MS_MAX = 10_000

/**
 * The owner that a lock names; undefined when there is none or its writer died before it could write. One that may not
 * be read is another user's, who may well be there.
 */
function ownerOf(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw error
    return undefined
  }
}

function create(file: string): boolean {
  try {
    const handle = openSync(file, 'wx', 0o600)
    writeSync(handle, JSON.stringify(identityOfProcess(process.pid)))
    closeSync(handle)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/**
 * Keeps a data folder for one process: a file with its pid. A lock whose process is gone is taken over; a second file
 * guards the moment between looking and replacing, so that two newcomers cannot both succeed.
 */
export class FolderLock implements Disposable {
  readonly #file: string

  private constructor(file: string) {
    this.#file = file
  }

  /** @throws Problem data_folder_in_use */
  static take(folder: string): FolderLock {
    const file = join(folder, 'trellis.lock')
    if (!create(file)) replaceStale(file, folder)
    return new FolderLock(file)
  }

  [Symbol.dispose](): void {
    rmSync(this.#file, { force: true })
  }
}

function replaceStale(file: string, folder: string): void {
  const guard = `${file}.takeover`
  const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
  if (age > TAKEOVER_MS_MAX) rmSync(guard, { force: true })
  const guarded = create(guard)
  try {
    const owner = ownerOf(file)
    if (!guarded || (owner && isRunning(owner))) {
      throw new Problem('data_folder_in_use', { folder, pid: owner?.pid ?? 'unknown' })
    }
    rmSync(file, { force: true })
    if (!create(file)) throw new Problem('data_folder_in_use', { folder, pid: ownerOf(file)?.pid ?? 'unknown' })
  } finally {
    if (guarded) rmSync(guard, { force: true })
  }
}
