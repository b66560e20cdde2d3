import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Problem } from '../lib/index.js'

/** Files of an environment, there and to be. */
export interface EnvironmentCopy {
  from: string
  to: string
}

export type CopierRequest = 'are you there?' | { copies: readonly EnvironmentCopy[] }
export type CopierAnswer =
  | { here: true }
  | { begun: true }
  | { done: true }
  | { failed: string; code?: number | undefined }

interface Waiting {
  resolve(answer: CopierAnswer): void
  reject(reason: Error): void
}

/** What the system says when there is no space; LMDB's copies hand on the words only. */
const FULL = /no space left|quota exceeded|file too large/i
/** Longest time for the copies to begin, while writers wait, in milliseconds. */
const BEGIN_MS_MAX = 10_000

/** How long a process waits for further copies, in milliseconds: starting one holds the event loop for some. */
const IDLE_MS_MAX = 10_000

/**
 * Makes copies of LMDB environments by a process of its own: LMDB copies in threads, of which this process has too few
 * for all environments at once, and they are to begin together. One use of it at a time.
 */
export class EnvironmentCopier implements AsyncDisposable {
  readonly #environmentsMax: number
  #idle: CopierProcess | undefined
  #isClosed = false

  constructor(environmentsMax: number) {
    this.#environmentsMax = environmentsMax
  }

  /** Gets ready; nothing is opened or copied yet. */
  async prepare(copies: readonly EnvironmentCopy[]): Promise<EnvironmentCopies> {
    const wasIdle = this.#idle !== undefined
    const copier = this.#take()
    const prepared = new EnvironmentCopies(copier, copies, () => this.#keep(copier))
    try {
      await copier.ask('are you there?')
      return prepared
    } catch (error) {
      await prepared[Symbol.asyncDispose]()
      // What is no answer is the end of one that had waited: another one does it.
      if (wasIdle && !(error instanceof Problem)) return await this.prepare(copies)
      throw error
    }
  }

  #take(): CopierProcess {
    const idle = this.#idle
    this.#idle = undefined
    if (idle && !idle.hasEnded) {
      idle.hold()
      return idle
    }
    return new CopierProcess(this.#environmentsMax)
  }

  async #keep(copier: CopierProcess): Promise<void> {
    if (this.#isClosed) return await copier.end()
    this.#idle = copier
    copier.rest()
  }

  /** Ends the process that waits, and that of a copy under way behind it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#idle?.end()
  }
}

/** Copies of several LMDB environments as of one moment, without their free pages. */
export class EnvironmentCopies implements AsyncDisposable {
  readonly #copier: CopierProcess
  readonly #copies: readonly EnvironmentCopy[]
  readonly #release: () => Promise<void>
  #isWhole = false

  constructor(copier: CopierProcess, copies: readonly EnvironmentCopy[], release: () => Promise<void>) {
    this.#copier = copier
    this.#copies = copies
    this.#release = release
  }

  /**
   * Begins with all copies: what is written when this is kept is in none of them, what was written before is in all.
   *
   * Nothing may write to these environments meanwhile. Whoever opens one sets the number of the newest commit, which all
   * processes share, to that which was the newest a moment before (`mdb_env_open2` of lmdb-js): a commit in between would
   * be seen by nobody, and the next one would take its place.
   */
  async begin(): Promise<void> {
    const late = setTimeout(() => this.#copier.kill(), BEGIN_MS_MAX)
    try {
      await this.#copier.ask({ copies: this.#copies })
    } finally {
      clearTimeout(late)
    }
  }

  /** Kept when all copies are whole. @throws Problem disk_full, and the reason of the signal */
  async finish(signal?: AbortSignal): Promise<void> {
    const stop = () => this.#copier.kill()
    signal?.addEventListener('abort', stop)
    try {
      signal?.throwIfAborted()
      await this.#copier.answer()
      this.#isWhole = true
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#isWhole ? this.#release() : this.#copier.end())
  }
}

class CopierProcess {
  readonly #child: ChildProcess
  #next: Waiting | undefined
  #answers: CopierAnswer[] = []
  #end: Error | undefined
  #rest: NodeJS.Timeout | undefined

  constructor(environmentsMax: number) {
    this.#child = fork(fileURLToPath(new URL('./copier.js', import.meta.url)), {
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '', UV_THREADPOOL_SIZE: String(environmentsMax + 2) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    // Whoever waits for a copy can wait longer than those who call the node meanwhile.
    if (this.#child.pid !== undefined) setPriority(this.#child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
    this.#child.on('message', (answer: CopierAnswer) => {
      const next = this.#take()
      if (next) next.resolve(answer)
      else this.#answers.push(answer)
    })
    const ended = (error: Error) => {
      this.#end ??= error
      this.#take()?.reject(error)
    }
    this.#child.on('error', ended)
    this.#child.on('exit', (code, signal) => ended(new Error(`the copying process ended: ${signal ?? code}`)))
  }

  get hasEnded(): boolean {
    // The channel of one that was killed may be closed before its end is told.
    return this.#end !== undefined || this.#child.killed || !this.#child.connected
  }

  async ask(request: CopierRequest): Promise<void> {
    this.#child.send(request)
    await this.answer()
  }

  async answer(): Promise<void> {
    const answer = this.#answers.shift() ?? (await this.#coming())
    if (!('failed' in answer)) return
    throw FULL.test(answer.failed)
      ? new Problem('disk_full', {})
      : new Problem('backup_failed', { reason: answer.failed })
  }

  /** Waits for the next use, for a while. */
  rest(): void {
    this.#rest = setTimeout(() => this.kill(), IDLE_MS_MAX)
  }

  hold(): void {
    clearTimeout(this.#rest)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async end(): Promise<void> {
    clearTimeout(this.#rest)
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null || this.#end) return
    const exited = once(this.#child, 'exit')
    this.kill()
    await exited
  }

  #coming(): Promise<CopierAnswer> {
    if (this.#end) return Promise.reject(this.#end)
    return new Promise((resolve, reject) => {
      this.#next = { resolve, reject }
    })
  }

  /** Who waits for an answer; at once nobody any more, as two answers may come in one turn. */
  #take(): Waiting | undefined {
    const next = this.#next
    this.#next = undefined
    return next
  }
}
