import { Problem } from '../lib/index.js'
import type { WriteTransaction } from '../storage/index.js'
import type { JobRecord, Progress, RowError } from './record.js'
import type { JobStore } from './store.js'

/** Does the work of a job and answers its message. It runs again from its last position after a restart. */
export type Work = (job: JobRun) => Promise<string>

/** What one transaction of a job does. */
export interface Step {
  position: unknown
  rows?: number
  bytes?: number
  errors?: readonly RowError[]
}

/** A job while it runs: what its work sees of it. */
export class JobRun {
  readonly record: JobRecord
  /** Aborts when the job is cancelled or the node stops. */
  readonly signal: AbortSignal
  /** Counts up while the work goes on; the work changes it. */
  readonly progress: Progress
  /** What the work has saved last; undefined at the first start. */
  readonly position: unknown
  /** What the job has found out, perhaps as JSON text; the work sets it, and it is stored with the end of the job. */
  result: unknown
  /** Written in the transaction of the job's end, however it ends: the work sets it while it leaves something unfinished. */
  atEnd: ((transaction: WriteTransaction) => void) | undefined
  readonly #store: JobStore
  readonly #startedAt = performance.now()
  readonly #startedRows: number
  #unsaved: RowError[] = []

  constructor(record: JobRecord, signal: AbortSignal, store: JobStore) {
    const { progress, position } = store.progressOf(record.id)
    this.record = record
    this.signal = signal
    this.progress = progress
    this.position = position
    this.#store = store
    this.#startedRows = progress.rows
  }

  get id(): string {
    return this.record.id
  }

  /** Whether it ends for good, as somebody has cancelled it or its user is gone; else the next process goes on with it. */
  get isOver(): boolean {
    const { aborted, reason } = this.signal
    return aborted && !(reason instanceof Problem && reason.code === 'stopping')
  }

  get user(): string {
    return this.record.user
  }

  /** Rows per second since this process has begun with it. */
  get rowsPerSecond(): number {
    const seconds = (performance.now() - this.#startedAt) / 1000
    return seconds > 0 ? (this.progress.rows - this.#startedRows) / seconds : 0
  }

  /** Notes rows that could not be taken when nothing else is to be stored: they are stored with the end of the job. */
  refuse(errors: readonly RowError[]): void {
    this.#unsaved.push(...errors)
  }

  /**
   * Stores one step in the transaction of the work itself: the new position and what the step adds to the progress.
   * After a restart neither is ahead of the other.
   */
  step(transaction: WriteTransaction, { position, rows = 0, bytes = 0, errors = [] }: Step): void {
    const { progress } = this
    const before = { ...progress }
    const unsaved = this.#unsaved
    for (const error of [...unsaved, ...errors]) this.#store.addError(transaction, this.id, progress.errors++, error)
    this.#unsaved = []
    progress.rows += rows
    progress.bytes += bytes
    this.#store.putProgress(transaction, this.id, progress, position)
    transaction.onUndo(() => {
      Object.assign(progress, before)
      this.#unsaved = unsaved
    })
  }

  /** The same when nothing else is to be stored. */
  async save(position: unknown): Promise<void> {
    await this.#store.storage.write((transaction) => this.step(transaction, { position }))
  }

  /** A part of the input that was stored with the job. */
  part(index: number): string {
    return this.#store.part(this.id, index)
  }
}
