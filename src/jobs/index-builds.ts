import type { WriteTransaction } from '../storage/index.js'
import type { Author, Jobs, Started } from './jobs.js'
import type { JobRun } from './run.js'

interface NewColumn {
  database: string
  table: string
  definition: { name: string }
}

/** How far the index of a new column is. */
export interface BuildPosition {
  column: number
  /** The record that comes next; absent: the index is whole. */
  from?: string | undefined
}

/** Written in each transaction of a building. */
export type BuildStep = (transaction: WriteTransaction, position: BuildPosition, records: number) => void

/** What the building of indexes needs of the tables. */
export interface IndexBuilder {
  /** Adds a column. @throws Problem table_not_found, column_exists, invalid_column */
  add(column: NewColumn, alongside: BuildStep): Promise<BuildPosition>
  /** Goes on with its index until it is whole. */
  build(column: NewColumn, position: BuildPosition, signal: AbortSignal, alongside: BuildStep): Promise<void>
  /** Gives the index up, in a transaction of the caller's: the column stays without one. */
  abandon(transaction: WriteTransaction, column: NewColumn, position: BuildPosition): void
}

const TYPE = 'add_column'

/** New columns of large tables as jobs. */
export class IndexBuilds {
  readonly #jobs: Jobs
  readonly #builder: IndexBuilder

  constructor(jobs: Jobs, builder: IndexBuilder) {
    this.#jobs = jobs
    this.#builder = builder
    jobs.define(TYPE, (job) => this.#run(job))
  }

  start(parameters: NewColumn, author: Author): Promise<Started> {
    return this.#jobs.start({ type: TYPE, author, parameters })
  }

  /** The columns whose indexes jobs will go on with. */
  pending(): Set<number> {
    return new Set(this.#jobs.positions(TYPE).map((position) => (position as BuildPosition).column))
  }

  async #run(job: JobRun): Promise<string> {
    const column = job.record.parameters as NewColumn
    let position = job.position as BuildPosition | undefined
    const alongside: BuildStep = (transaction, next, rows) => {
      position = next
      job.step(transaction, { position, rows })
    }
    try {
      job.signal.throwIfAborted()
      position ??= await this.#builder.add(column, alongside)
      if (position.from !== undefined) await this.#builder.build(column, position, job.signal, alongside)
    } catch (error) {
      const reached = position
      const goesOnLater = job.signal.aborted && !job.isOver
      // With the end of the job, which a full disk only puts off.
      if (reached && !goesOnLater) job.atEnd = (transaction) => this.#builder.abandon(transaction, column, reached)
      throw error
    }
    const { database, table, definition } = column
    return `attribute '${database}.${table}.${definition.name}' successfully created.`
  }
}
