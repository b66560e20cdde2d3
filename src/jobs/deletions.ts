import type { WriteTransaction } from '../storage/index.js'
import type { Jobs, NewJob, Started } from './jobs.js'
import type { JobRun } from './run.js'

/** What long deletions need of the tables. */
export interface RowRemover {
  /** The keys of up to `most` records that were made before a time. @throws Problem table_not_found, no_times */
  oldest(database: string, table: string, before: number, most: number): (string | number)[]
  /** Deletes records, and writes what belongs to it in the same transaction. Answers how many there were. */
  remove(
    target: { database: string; table: string },
    user: string,
    keys: readonly (string | number)[],
    alongside: (transaction: WriteTransaction, removed: number) => void,
  ): Promise<number>
}

interface DeletionParameters {
  database: string
  table: string
  before: number
}

const TYPE = 'delete_records_before'
/** Records that are deleted in one transaction. */
const STEP = 500

/** Deletions of many records as jobs: in small transactions, each with its progress. */
export class Deletions {
  readonly #jobs: Jobs
  readonly #rows: RowRemover

  constructor(jobs: Jobs, rows: RowRemover) {
    this.#jobs = jobs
    this.#rows = rows
    jobs.define(TYPE, (job) => this.#run(job))
  }

  /** Starts to delete the records that were made before a time. @throws Problem table_not_found, no_times */
  start(
    parameters: DeletionParameters,
    author: { user: string | undefined; idempotency?: NewJob['idempotency'] },
  ): Promise<Started> {
    const { database, table, before } = parameters
    this.#rows.oldest(database, table, before, 1)
    return this.#jobs.start({ type: TYPE, user: author.user ?? '', parameters, idempotency: author.idempotency })
  }

  async #run(job: JobRun): Promise<string> {
    const { database, table, before } = job.record.parameters as DeletionParameters
    for (;;) {
      job.signal.throwIfAborted()
      const keys = this.#rows.oldest(database, table, before, STEP)
      if (keys.length === 0) break
      await this.#rows.remove({ database, table }, job.user, keys, (transaction, removed) =>
        job.step(transaction, { position: true, rows: removed }),
      )
    }
    return job.progress.rows === 0 ? 'No records found to delete' : `${job.progress.rows} records successfully deleted`
  }
}
