import { randomUUID } from 'node:crypto'
import { assert, JsonText, Problem, type Steps, withPauses } from '../lib/index.js'
import type { Metrics } from '../metrics/index.js'
import type { Idempotency, Receipt, Storage, WriteTransaction } from '../storage/index.js'
import { type JobRecord, type JobStatus, type JobView, viewOf } from './record.js'
import { JobRun, type Work } from './run.js'
import { JobStore } from './store.js'

/** The limits of jobs: the group jobs of schemas/config.json. */
export interface JobSettings {
  running_max: number
  waiting_max: number
  kept_max: number
  errors_shown_max: number
  result_bytes_max: number
}

export interface JobsOptions {
  storage: Storage
  settings: JobSettings
  /** Told of failures that are our bugs. */
  log: { error(facts: object, message: string): void }
  metrics?: Pick<Metrics, 'jobsAre' | 'jobEnded'>
  /** Answers of requests that may be repeated: a repeated request starts no second job. */
  replays?: Replays
  /** Who the users are that start jobs; absent: nobody ever ends. */
  owners?: JobOwners
  now?: () => number
}

/** Who the users are that start jobs. */
export interface JobOwners {
  /** When the user of this name was made; undefined when there is none. */
  since(user: string): number | undefined
  /** @throws Problem when the user who started the job, or the key that it used, is gone, or may no longer do it */
  check(job: Pick<JobRecord, 'type' | 'user' | 'since' | 'apiKey' | 'parameters'>): void
}

/** Who starts a job. A `Call` is one. */
export interface Author {
  user: string | undefined
  /** The key for programs that it was asked with: the job ends with it. */
  apiKey?: string | undefined
  /** The key of a request that its caller may repeat. */
  idempotency?: Idempotency | undefined
}

/** A job to be done by the kind of its type. */
export interface NewJob {
  type: string
  author: Author
  /** What the kind of the type needs; stored as JSON. */
  parameters?: unknown
  /** Input to be stored with the job, in parts. */
  parts?: readonly string[]
}

/** Runs something once for a key, in the transaction that stores its answer. */
export interface Replays {
  once<Answer>(transaction: WriteTransaction, idempotency: Idempotency | undefined, run: () => Answer): Answer
}

export interface Started {
  message: string
  job_id: string
}

/** Gives what is stored in the transaction of a job's end. */
export type ReceiptOfEnd = (status: JobStatus) => Receipt

interface Running {
  run: JobRun
  controller: AbortController
  done: Promise<void>
  /** Of the first who has cancelled it. */
  receiptOf?: ReceiptOfEnd | undefined
}

/** Stores how a job has ended. */
type StoreEnd = (receiptOf?: ReceiptOfEnd) => Promise<void>

/** Who looks at jobs: super users see all of them, others their own. */
export interface JobReader {
  username: string
  /** When the user was made: others are of an earlier user of the same name. Milliseconds since 1970. */
  since: number
  superUser: boolean
}

/**
 * How often it is looked whether the keys have ended that running jobs were started with, and ends are tried again that
 * could not be stored, in milliseconds.
 */
const CHECK_MS = 1000

/** Time in which jobs are looked for until others are served, in milliseconds. */
const SLICE_MS = 5

/** A job of another version of this program. */
const UNKNOWN = 'This version of the node does not know jobs of this type.'

/** A job of the folder that this one is a copy of. */
const COPIED = 'The job belongs to the data that this is a restored copy of. Start it again.'

/** Long work in the background: stored, limited, with progress, and run on after a restart. */
export class Jobs implements AsyncDisposable {
  readonly #options: JobsOptions
  readonly #store: JobStore
  readonly #now: () => number
  readonly #kinds = new Map<string, Work>()
  /** Jobs that wait for their turn, in their order. */
  readonly #waiting = new Map<string, { record: JobRecord; work: Work }>()
  readonly #running = new Map<string, Running>()
  /** Jobs that are over and whose ends are on their way to disk. */
  readonly #ending = new Map<string, Promise<void>>()
  /** Jobs that are over and whose ends could not be stored: on a full disk they are tried again until there is space. */
  readonly #unstored = new Map<string, StoreEnd>()
  /** Jobs that are stored. */
  #kept = 0
  /** Jobs whose first record is on its way to disk. */
  #starting = 0
  #stopping = false
  readonly #timer: NodeJS.Timeout

  constructor(options: JobsOptions) {
    this.#options = options
    this.#timer = setInterval(() => {
      this.checkOwners()
      for (const id of this.#unstored.keys()) this.#endAgain(id).catch(() => {}) // the first failure was logged
    }, CHECK_MS).unref()
    this.#now = options.now ?? Date.now
    this.#store = new JobStore(options.storage)
  }

  /** Says how jobs of a type are done. Before `resume`. */
  define(type: string, work: Work): void {
    assert(!this.#kinds.has(type), `jobs of the type ${type} are done in one way`)
    this.#kinds.set(type, work)
  }

  /**
   * Goes on with the jobs that the last process has left. When every kind is defined. `since`: when the life of this
   * data began; jobs from before it belong to the folder that this one was restored from, which may still do them.
   */
  async resume(since = 0): Promise<void> {
    const records = this.#store.all()
    this.#kept = records.length
    for (const record of records) {
      if (record.status !== 'CREATED' && record.status !== 'IN_PROGRESS') continue
      const work = this.#kinds.get(record.type)
      if (record.created < since) await this.#endInTime(record, () => this.#end(record, 'ERROR', COPIED))
      else if (work) this.#waiting.set(record.id, { record, work })
      else await this.#endInTime(record, () => this.#end(record, 'ERROR', UNKNOWN))
    }
    this.#next()
  }

  /** Stores a job and answers its id; it runs when its turn comes. @throws Problem too_many_jobs */
  async start(job: NewJob): Promise<Started> {
    const { storage, replays } = this.#options
    return storage.write((transaction) =>
      replays
        ? replays.once(transaction, job.author.idempotency, () => this.startIn(transaction, job))
        : this.startIn(transaction, job),
    )
  }

  /** The same in a transaction of the caller's: the job is there if the rest of the transaction is. */
  startIn(
    transaction: WriteTransaction,
    { type, author: { user = '', apiKey }, parameters, parts = [] }: NewJob,
  ): Started {
    const { waiting_max: most } = this.#options.settings
    if (this.#waiting.size + this.#starting >= most) throw new Problem('too_many_jobs', { limit: most })
    const work = this.#kinds.get(type)
    assert(work, `somebody can do jobs of the type ${type}`)
    const record: JobRecord = {
      id: randomUUID(),
      type,
      user,
      since: this.#options.owners?.since(user) ?? 0,
      ...(apiKey !== undefined && { apiKey }),
      status: 'CREATED',
      message: '',
      created: this.#now(),
      started: 0,
      ended: 0,
      parameters: parameters ?? null,
      parts: parts.length,
    }
    this.#store.add(transaction, record, parts)
    this.#kept++
    this.#starting++
    this.#forgetOldest(transaction)
    transaction.onUndo(() => {
      this.#kept--
      this.#starting--
    })
    transaction.onCommit(() => {
      this.#starting--
      this.#waiting.set(record.id, { record, work })
      this.#next()
    })
    return { message: `Starting job with id ${record.id}`, job_id: record.id }
  }

  /** A job as its reader may see it, with what it has found out: as JSON, since that may be long. @throws Problem job_not_found */
  told(id: string, reader: JobReader): JsonText {
    const view = JSON.stringify(this.describe(id, reader))
    const result = this.#store.resultOf(id)
    return new JsonText(result === undefined ? view : `${view.slice(0, -1)},"result":${result}}`)
  }

  /** A job as its reader may see it. @throws Problem job_not_found */
  describe(id: string, reader: JobReader): JobView {
    const record = this.#visible(id, reader)
    const run = this.#running.get(id)?.run
    const progress = run?.progress ?? this.#store.progressOf(id).progress
    const seconds = (record.ended - record.started) / 1000
    const average = record.ended > 0 && seconds > 0 ? progress.rows / seconds : 0
    const errors = this.#store.errorsOf(id, this.#options.settings.errors_shown_max)
    return viewOf(record, progress, run?.rowsPerSecond ?? average, errors)
  }

  /**
   * Jobs that were created in [from, to] (milliseconds), oldest first. There may be many, so others are served between;
   * what `check` throws ends it.
   */
  search(from: number, to: number, reader: JobReader, check = () => {}): Promise<JobView[]> {
    return withPauses(this.#found(from, to, reader), SLICE_MS, check)
  }

  *#found(from: number, to: number, reader: JobReader): Steps<JobView[]> {
    const found: JobView[] = []
    for (const id of this.#store.createdBetween(from, to, this.#options.settings.kept_max)) {
      yield
      if (this.#isVisible(this.#record(id), reader)) found.push(this.describe(id, reader))
    }
    return found
  }

  /** The positions of the jobs of a type that wait or run. */
  positions(type: string): unknown[] {
    const records = [...this.#waiting.values(), ...[...this.#running.values()].map(({ run }) => run)]
    return records
      .filter(({ record }) => record.type === type)
      .map(({ record }) => this.#store.progressOf(record.id).position)
      .filter((position) => position !== undefined)
  }

  /**
   * Stops a job; what it has done stays. Answers how it has ended, which may be of its own; `receiptOf` gives what is
   * stored with its end.
   * @throws Problem job_not_found, job_ended
   */
  async cancel(id: string, reader: JobReader, receiptOf?: ReceiptOfEnd): Promise<JobStatus> {
    const record = this.#visible(id, reader)
    if (record.ended > 0) throw new Problem('job_ended', { id, ended_as: record.status })
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (waiting && record.started === 0) {
      await this.#cancelWaiting(waiting, receiptOf)
      return 'CANCELLED'
    }
    // What an earlier process has begun is put in order by its own work.
    if (waiting) this.#launch(record, waiting.work)
    const running = this.#running.get(id)
    if (running) running.receiptOf ??= receiptOf
    running?.controller.abort(new Problem('job_cancelled', { id }))
    await running?.done
    await this.#endAgain(id, receiptOf)
    await this.#ending.get(id)
    return this.#visible(id, reader).status
  }

  /** A job of which it cannot be stored that it was cancelled keeps waiting. */
  async #cancelWaiting(waiting: { record: JobRecord; work: Work }, receiptOf?: ReceiptOfEnd): Promise<void> {
    const { record } = waiting
    try {
      await this.#end(record, 'CANCELLED', 'Cancelled before it began.', undefined, receiptOf)
    } catch (error) {
      this.#waiting.set(record.id, waiting)
      this.#next()
      throw error
    }
  }

  /** Ends the jobs that run and whose users or keys are gone, or may no longer do them. After changes of users, rights and keys. */
  checkOwners(): void {
    for (const { run, controller } of this.#running.values()) {
      const refusal = this.#refusalOf(run.record)
      if (refusal) controller.abort(refusal)
    }
  }

  #refusalOf(record: JobRecord): Problem | undefined {
    try {
      this.#options.owners?.check(record)
      return undefined
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return new Problem('job_user_ended', { id: record.id, user: record.user, reason: error.message })
    }
  }

  /** Stops what runs; it goes on at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    clearInterval(this.#timer)
    this.#waiting.clear()
    const running = [...this.#running.values()]
    for (const { controller } of running) controller.abort(new Problem('stopping', {}))
    await Promise.all(running.map(({ done }) => done))
  }

  #next(): void {
    this.#launchNext()
    this.#options.metrics?.jobsAre(this.#running.size, this.#waiting.size)
  }

  #launchNext(): void {
    for (const [id, { record, work }] of this.#waiting) {
      if (this.#stopping || this.#running.size >= this.#options.settings.running_max) return
      this.#waiting.delete(id)
      this.#launch(record, work)
    }
  }

  #launch(record: JobRecord, work: Work): void {
    const controller = new AbortController()
    const begun: JobRecord = { ...record, status: 'IN_PROGRESS', started: record.started || this.#now() }
    const run = new JobRun(begun, controller.signal, this.#store)
    const done = this.#work(run, work).finally(() => {
      this.#running.delete(record.id)
      this.#next()
    })
    this.#running.set(record.id, { run, controller, done })
    const refusal = this.#refusalOf(record)
    if (refusal) controller.abort(refusal)
  }

  async #work(run: JobRun, work: Work): Promise<void> {
    const { record, signal } = run
    let end: StoreEnd
    try {
      await this.#options.storage.write((transaction) => this.#store.put(transaction, record))
      const message = await work(run)
      const result = this.#printed(run.result)
      end = (receiptOf) => this.#end(record, 'COMPLETE', message, run, receiptOf, result)
    } catch (error) {
      if (this.#stopping) return // the record stays IN_PROGRESS: the next process goes on with it
      end = this.#failed(run, signal.aborted ? signal.reason : error)
    }
    await this.#endInTime(record, end)
  }

  #failed(run: JobRun, error: unknown): StoreEnd {
    const { record } = run
    const cancelled = error instanceof Problem && error.code === 'job_cancelled'
    const message =
      error instanceof Problem
        ? error.message
        : `Something went wrong on our side; the log of the node has more under id ${record.id}.`
    if (!(error instanceof Problem))
      this.#options.log.error(
        { id: record.id, type: record.type, error: error instanceof Error ? error.stack : error },
        'a job failed',
      )
    return (receiptOf) => this.#end(record, cancelled ? 'CANCELLED' : 'ERROR', message, run, receiptOf)
  }

  /** What a job has found out, as it is stored. @throws Problem job_result_too_large */
  #printed(result: unknown): string | undefined {
    const text = result instanceof JsonText ? result.text : result === undefined ? undefined : JSON.stringify(result)
    const { result_bytes_max: limit } = this.#options.settings
    if (text !== undefined && text.length > limit) throw new Problem('job_result_too_large', { limit })
    return text
  }

  /** Ends a job now, or as soon as its end can be stored. */
  async #endInTime({ id }: JobRecord, end: StoreEnd): Promise<void> {
    await end().catch((error: unknown) => {
      this.#options.log.error({ id, error: String(error) }, 'the end of a job could not be stored; trying again')
      this.#unstored.set(id, end)
    })
  }

  /** Tries once more to store the end of a job, if it is over and could not be stored before. */
  async #endAgain(id: string, receiptOf?: ReceiptOfEnd): Promise<void> {
    const end = this.#unstored.get(id)
    if (!end) return
    this.#unstored.delete(id)
    try {
      await end(receiptOf)
    } catch (error) {
      this.#unstored.set(id, end)
      throw error
    }
  }

  async #end(
    record: JobRecord,
    status: JobStatus,
    message: string,
    run?: JobRun,
    receiptOf = this.#running.get(record.id)?.receiptOf,
    result?: string,
  ): Promise<void> {
    const ending = this.#options.storage.write((transaction) => {
      run?.step(transaction, { position: undefined })
      run?.atEnd?.(transaction)
      this.#store.removeParts(transaction, record)
      if (result !== undefined) this.#store.putResult(transaction, record.id, result)
      this.#store.put(transaction, { ...record, parts: 0, status, message, ended: this.#now() })
      receiptOf?.(status).alongside(transaction)
    })
    this.#ending.set(record.id, ending)
    await ending.finally(() => this.#ending.delete(record.id))
    this.#options.metrics?.jobEnded(record.type, status)
  }

  /** Keeps the number of jobs within jobs.kept_max: the oldest that have ended go. */
  #forgetOldest(transaction: WriteTransaction): void {
    const { kept_max: most } = this.#options.settings
    // Of the oldest some may not have ended, and others may be going with the starts that share the commit.
    const looked = this.#starting + this.#running.size + this.#waiting.size + Math.max(0, this.#kept - most)
    for (const id of this.#kept > most ? this.#store.createdBetween(0, this.#now(), looked) : []) {
      const record = this.#store.find(id)
      if (!record || record.ended === 0 || !this.#store.stays(transaction, id)) continue
      this.#store.remove(transaction, record)
      this.#kept--
      transaction.onUndo(() => this.#kept++)
      if (this.#kept <= most) return
    }
  }

  #record(id: string): JobRecord | undefined {
    return this.#running.get(id)?.run.record ?? this.#store.find(id)
  }

  #visible(id: string, reader: JobReader): JobRecord {
    const record = this.#record(id)
    if (!this.#isVisible(record, reader)) throw new Problem('job_not_found', { id })
    return record
  }

  #isVisible(record: JobRecord | undefined, { username, since, superUser }: JobReader): record is JobRecord {
    return record !== undefined && (superUser || (record.user === username && record.since === since))
  }
}
