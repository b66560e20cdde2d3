import { closeSync, openSync, readFileSync, readlinkSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOfProcess, isRunning, Problem, type ProcessIdentity } from '../lib/index.js'
import { usable } from './folder.js'

/** How long another process may take to replace a stale lock, in milliseconds. */
const TAKEOVER_MS_MAX = 10_000
/** How often an owner touches its lock, and how long one that cannot be seen otherwise may be silent, in milliseconds. */
const BEAT_MS = 1_000
const SILENT_MS_MAX = 5 * BEAT_MS
const LISTEN_MS = 100

interface Owner extends ProcessIdentity {
  /** Where its number means something: in each container 1 is another process. '' where the system knows no such thing. */
  namespace?: string
}

const namespace = namespaceOfProcesses()

function namespaceOfProcesses(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

/** What a lock says. One that may not be read is another user's, who may well be there. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw error
    return undefined
  }
}

/** The owner that a lock names; undefined when there is none or its writer died before it could write. */
function ownerIn(text: string | undefined): Owner | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Owner)
  } catch {
    return undefined
  }
}

/** Whether the owner is in another container, so that only its touching of the lock tells whether it is there. */
function isElsewhere(owner: Owner | undefined): boolean {
  return Boolean(owner?.namespace && namespace && owner.namespace !== namespace)
}

function inUse(folder: string, owner: Owner | undefined): Problem {
  const pid = owner?.pid ?? 'unknown'
  return new Problem('data_folder_in_use', { folder, pid: isElsewhere(owner) ? `${pid} of another container` : pid })
}

function create(file: string): boolean {
  try {
    const handle = openSync(file, 'wx', 0o600)
    writeSync(handle, JSON.stringify({ ...identityOfProcess(process.pid), namespace } satisfies Owner))
    closeSync(handle)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/**
 * Keeps a data folder for one process: a file with its pid. A lock whose process is gone is taken over; a second file
 * guards the moment between looking and replacing, so that two newcomers cannot both succeed. Processes of other
 * containers on the same volume cannot be seen, so owners touch their lock all the time.
 */
export class FolderLock implements Disposable {
  readonly #file: string
  readonly #beat: NodeJS.Timeout

  private constructor(file: string) {
    this.#file = file
    this.#beat = setInterval(() => touch(file), BEAT_MS).unref()
  }

  /**
   * Waits until it is known whether an owner in another container is there. Answers the lock of one that is silent, for
   * `take`. @throws Problem data_folder_in_use, data_folder_unusable
   */
  static async listen(folder: string): Promise<string | undefined> {
    const file = lockOf(folder)
    const text = usable(folder, () => textOf(file))
    const owner = ownerIn(text)
    if (!isElsewhere(owner)) return undefined
    const touched = touchedAt(file)
    for (let waited = 0; waited < SILENT_MS_MAX; waited += LISTEN_MS) {
      await sleep(LISTEN_MS)
      const now = touchedAt(file)
      if (now !== undefined && now !== touched) throw inUse(folder, owner)
    }
    return text
  }

  /** `silent`: a lock that may be taken over though its owner cannot be seen. @throws Problem data_folder_in_use */
  static take(folder: string, silent: string | undefined): FolderLock {
    const file = lockOf(folder)
    if (!create(file)) replaceStale(file, folder, silent)
    return new FolderLock(file)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#beat)
    rmSync(this.#file, { force: true })
  }
}

const lockOf = (folder: string) => join(folder, 'trellis.lock')

function touchedAt(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs
}

function touch(file: string): void {
  try {
    const now = new Date()
    utimesSync(file, now, now)
  } catch {
    // Whoever has removed the lock or its folder has taken it from a process that still runs: nothing is mended here.
  }
}

function replaceStale(file: string, folder: string, silent: string | undefined): void {
  const guard = `${file}.takeover`
  const age = Date.now() - (touchedAt(guard) ?? Date.now())
  if (age > TAKEOVER_MS_MAX) rmSync(guard, { force: true })
  const guarded = create(guard)
  try {
    const text = textOf(file)
    const owner = ownerIn(text)
    const isThere = isElsewhere(owner) ? text !== silent : owner && isRunning(owner)
    if (!guarded || isThere) throw inUse(folder, owner)
    rmSync(file, { force: true })
    if (!create(file)) throw inUse(folder, ownerIn(textOf(file)))
  } finally {
    if (guarded) rmSync(guard, { force: true })
  }
}
