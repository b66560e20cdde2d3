import type { WriteTransaction } from '../storage/index.js'
import type { Author, Jobs, Started } from './jobs.js'
import type { JobRun } from './run.js'

type Key = string | number

interface Target {
  database: string
  table: string
}

/** Written in the transaction that deletes. */
type Alongside = (transaction: WriteTransaction, deleted: number) => void

/** Some of the records that were made before a time. */
export interface OldRecords {
  keys: Key[]
  /** Where to look on; absent: there are no others. */
  after?: Key
}

/** What long deletions need of the tables. */
export interface RowRemover {
  /**
   * The next records that were made before a time: by an index where there is one, else among so many of the table that
   * looking takes a few milliseconds. @throws Problem table_not_found, no_times
   */
  oldest(target: Target, before: number, after: Key | undefined, most: number): OldRecords
  /** Deletes records. Answers how many there were. */
  remove(target: Target, user: string, keys: readonly Key[], alongside: Alongside): Promise<number>
  /** Deletes changes of before a time from the log, in steps. @throws Problem table_not_found */
  removeLog(target: Target, before: number, signal: AbortSignal, alongside: Alongside): Promise<void>
}

interface DeletionParameters extends Target {
  before: number
}

interface Position {
  after?: Key | undefined
}

const RECORDS = 'delete_records_before'
const LOG = 'delete_transaction_logs_before'
/** Records that are deleted in one transaction. */
const STEP = 500

/** Deletions of many records, or of many changes in the log, as jobs: in small transactions, each with its progress. */
export class Deletions {
  readonly #jobs: Jobs
  readonly #rows: RowRemover

  constructor(jobs: Jobs, rows: RowRemover) {
    this.#jobs = jobs
    this.#rows = rows
    jobs.define(RECORDS, (job) => this.#removeRecords(job))
    jobs.define(LOG, (job) => this.#removeLog(job))
  }

  /** Starts to delete the records that were made before a time. @throws Problem table_not_found, no_times */
  start(parameters: DeletionParameters, author: Author): Promise<Started> {
    this.#rows.oldest(parameters, parameters.before, undefined, 1)
    return this.#start(RECORDS, parameters, author)
  }

  /** Starts to forget the changes of a table that were made before a time. */
  startLog(parameters: DeletionParameters, author: Author): Promise<Started> {
    return this.#start(LOG, parameters, author)
  }

  #start(type: string, parameters: DeletionParameters, author: Author): Promise<Started> {
    return this.#jobs.start({ type, author, parameters })
  }

  async #removeRecords(job: JobRun): Promise<string> {
    const { before, ...target } = job.record.parameters as DeletionParameters
    let { after } = (job.position ?? {}) as Position
    do {
      job.signal.throwIfAborted()
      const found = this.#rows.oldest(target, before, after, STEP)
      after = found.after
      const position: Position = { after }
      if (found.keys.length === 0 && after !== undefined) await job.save(position)
      else if (found.keys.length > 0)
        await this.#rows.remove(target, job.user, found.keys, (transaction, rows) =>
          job.step(transaction, { position, rows }),
        )
    } while (after !== undefined)
    return job.progress.rows === 0 ? 'No records found to delete' : `${job.progress.rows} records successfully deleted`
  }

  async #removeLog(job: JobRun): Promise<string> {
    const { before, ...target } = job.record.parameters as DeletionParameters
    await this.#rows.removeLog(target, before, job.signal, (transaction, rows) =>
      job.step(transaction, { position: {}, rows }),
    )
    return `${job.progress.rows} changes of ${target.database}.${target.table} were deleted`
  }
}
