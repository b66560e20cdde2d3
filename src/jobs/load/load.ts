import { type LoadFormat, Problem } from '../../lib/index.js'
import type { WriteTransaction } from '../../storage/index.js'
import type { RowError } from '../record.js'
import type { JobRun } from '../run.js'
import { type CsvColumns, type Fields, type Parsed, parseBlock } from './parse.js'
import type { Block, Source, SourcePosition } from './source.js'
import { readerOf } from './values.js'

export type LoadAction = 'insert' | 'update' | 'upsert'

export interface LoadTarget {
  database: string
  table: string
  action: LoadAction
}

/** What loads need of the tables. */
export interface RowStore {
  /** The type of each known column. @throws Problem table_not_found */
  columnTypes(database: string, table: string): ReadonlyMap<string, string>
  /**
   * Writes records as the operation of that name does, and what `alongside` writes in the same transaction. Answers
   * how many were written. A record that cannot be taken fails all with a Problem that has `index` among its facts.
   */
  write(
    target: LoadTarget,
    user: string,
    records: Fields[],
    alongside: (transaction: WriteTransaction, written: number) => void,
  ): Promise<number>
}

/** What a load must remember. */
export interface LoadParameters extends LoadTarget {
  format: LoadFormat
  /** CSV: the names of the first line. */
  columns: string[]
  start: SourcePosition
  bytesTotal: number
  errorsMax: number
}

interface LoadPosition extends SourcePosition {
  /** Rows that were read, and those of them that were written. */
  read: number
  written: number
}

/** Loads a source into a table, block by block; each block and the position behind it are one transaction. */
export async function load(job: JobRun, source: Source, store: RowStore): Promise<string> {
  const parameters = job.record.parameters as LoadParameters
  job.progress.bytesTotal = parameters.bytesTotal
  const loader = new Loader(job, parameters, store)
  let next = await loader.parse(source)
  while (next) {
    job.signal.throwIfAborted()
    const writing = loader.write(next)
    writing.catch(() => {}) // it is awaited below, after the next block is read meanwhile
    const following = await loader.parse(source)
    await writing
    next = following
  }
  const { written, read } = loader.position
  return `successfully loaded ${written} of ${read} records`
}

interface ParsedBlock {
  block: Block
  parsed: Parsed
}

class Loader {
  readonly #job: JobRun
  readonly #parameters: LoadParameters
  readonly #store: RowStore
  readonly #columns: CsvColumns
  #at: SourcePosition
  position: LoadPosition

  constructor(job: JobRun, parameters: LoadParameters, store: RowStore) {
    this.#job = job
    this.#parameters = parameters
    this.#store = store
    const types = store.columnTypes(parameters.database, parameters.table)
    this.#columns = { names: parameters.columns, readers: parameters.columns.map((name) => readerOf(types.get(name))) }
    this.position = (job.position as LoadPosition | undefined) ?? { ...parameters.start, read: 0, written: 0 }
    this.#at = this.position
  }

  async parse(source: Source): Promise<ParsedBlock | undefined> {
    const block = await source.read(this.#at)
    if (!block) return undefined
    this.#at = block.next
    return { block, parsed: parseBlock(block, this.#parameters.format, this.#columns) }
  }

  /** Writes what can be taken and notes what cannot. */
  async write({ block, parsed }: ParsedBlock): Promise<void> {
    const errors = [...parsed.errors]
    const left = parsed.records.map((record, index) => ({ record, index }))
    for (;;) {
      this.#checkErrors(errors)
      const refused = await this.#tryToWrite(
        block,
        left.map(({ record }) => record),
        errors,
      )
      if (!refused) return
      errors.push({ line: parsed.lineOf(left[refused.index]!.index), reason: refused.reason })
      left.splice(refused.index, 1)
    }
  }

  /** Writes records, or answers which one of them cannot be taken. */
  async #tryToWrite(
    block: Block,
    records: Fields[],
    errors: readonly RowError[],
  ): Promise<{ index: number; reason: string } | undefined> {
    const position = {
      ...block.next,
      read: this.position.read + records.length + errors.length,
      written: this.position.written,
    }
    try {
      await this.#store.write(this.#parameters, this.#job.user, records, (transaction, written) => {
        position.written += written
        this.#job.step(transaction, { position, rows: records.length, bytes: block.bytes, errors })
      })
      this.position = position
      return undefined
    } catch (error) {
      const index = error instanceof Problem ? Number((error.facts as { index?: number }).index ?? -1) : -1
      if (!records[index]) throw error
      return { index, reason: (error as Problem).message }
    }
  }

  #checkErrors(errors: readonly RowError[]): void {
    const { errorsMax } = this.#parameters
    if (this.#job.progress.errors + errors.length <= errorsMax) return
    this.#job.refuse(errors)
    throw new Problem('too_many_bad_rows', { limit: errorsMax })
  }
}
