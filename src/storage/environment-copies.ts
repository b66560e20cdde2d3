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

export type CopierRequest = { open: readonly EnvironmentCopy[] } | { copy: true }
export type CopierAnswer =
  | { opened: true }
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

/**
 * Copies of several LMDB environments as of one moment, without their free pages, made by a process of its own: LMDB
 * copies in threads, of which this process has too few for all environments at once, and they are to begin together.
 */
export class EnvironmentCopies implements AsyncDisposable {
  readonly #copier: ChildProcess
  #next: Waiting | undefined
  #answers: CopierAnswer[] = []
  #end: Error | undefined

  private constructor(copier: ChildProcess) {
    this.#copier = copier
    copier.on('message', (answer: CopierAnswer) => {
      const next = this.#take()
      if (next) next.resolve(answer)
      else this.#answers.push(answer)
    })
    const ended = (error: Error) => {
      this.#end ??= error
      this.#take()?.reject(error)
    }
    copier.on('error', ended)
    copier.on('exit', (code, signal) => ended(new Error(`the copying process ended: ${signal ?? code}`)))
  }

  /** Gets ready; nothing is copied yet. */
  static async prepare(copies: readonly EnvironmentCopy[]): Promise<EnvironmentCopies> {
    const copier = fork(fileURLToPath(new URL('./copier.js', import.meta.url)), {
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '', UV_THREADPOOL_SIZE: String(copies.length + 2) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    // Whoever waits for a copy can wait longer than those who call the node meanwhile.
    if (copier.pid !== undefined) setPriority(copier.pid, constants.priority.PRIORITY_BELOW_NORMAL)
    const prepared = new EnvironmentCopies(copier)
    try {
      await prepared.#ask({ open: copies })
      return prepared
    } catch (error) {
      await prepared[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Begins with all copies: what is written when this is kept is in none of them, what was written before is in all. */
  async begin(): Promise<void> {
    const late = setTimeout(() => this.#copier.kill('SIGKILL'), BEGIN_MS_MAX)
    try {
      await this.#ask({ copy: true })
    } finally {
      clearTimeout(late)
    }
  }

  /** Kept when all copies are whole. @throws Problem disk_full, and the reason of the signal */
  async finish(signal?: AbortSignal): Promise<void> {
    const stop = () => this.#copier.kill('SIGKILL')
    signal?.addEventListener('abort', stop)
    try {
      signal?.throwIfAborted()
      await this.#answer()
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  async #ask(request: CopierRequest): Promise<void> {
    this.#copier.send(request)
    await this.#answer()
  }

  async #answer(): Promise<void> {
    const answer = this.#answers.shift() ?? (await this.#coming())
    if (!('failed' in answer)) return
    throw FULL.test(answer.failed)
      ? new Problem('disk_full', {})
      : new Problem('backup_failed', { reason: answer.failed })
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

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#copier
    if (exitCode !== null || signalCode !== null || this.#end) return
    const exited = once(this.#copier, 'exit')
    this.#copier.kill('SIGKILL')
    await exited
  }
}
