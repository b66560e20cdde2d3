import { setImmediate as turn } from 'node:timers/promises'
import { type LoadFormat, Problem } from '../../lib/index.js'
import type { WriteTransaction } from '../../storage/index.js'
import type { RowError } from '../record.js'
import type { JobRun } from '../run.js'
import { type CsvColumns, type Fields, type Parsed, parseBlock } from './parse.js'
import type { Block, Source, SourcePosition } from './source.js'
import { type LoadedColumn, readerOf } from './values.js'

export type LoadAction = 'insert' | 'update' | 'upsert'

/** What somebody must be allowed to do who loads in this way. */
export function rightsToLoad(action: LoadAction): ('insert' | 'update')[] {
  return action === 'upsert' ? ['insert', 'update'] : [action]
}

export interface LoadTarget {
  database: string
  table: string
  action: LoadAction
}

/** What loads need of the tables. */
export interface RowStore {
  /** The columns that are known. @throws Problem table_not_found */
  columns(database: string, table: string): ReadonlyMap<string, LoadedColumn>
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
  /** CSV: the names of the first line. Lines of JSON that were sent: every name in them, by which rights are asked for. */
  columns: string[]
  start: SourcePosition
  bytesTotal: number
  errorsMax: number
}

export interface LoadPosition extends SourcePosition {
  /** Rows that were read, and those of them that were written. */
  read: number
  written: number
}

/** Blocks whose transactions are on their way to disk at a time: they share commits. */
const WRITING_MAX = 8

/** Loads a source into a table, block by block; each block and the position behind it are one transaction. */
export async function load(job: JobRun, source: Source, store: RowStore): Promise<string> {
  const parameters = job.record.parameters as LoadParameters
  job.progress.bytesTotal = parameters.bytesTotal
  const loader = new Loader(job, parameters, store)
  const writing: Promise<unknown>[] = []
  for (let next = await loader.parse(source); next; next = await loader.parse(source)) {
    job.signal.throwIfAborted()
    const { durable } = await loader.write(next)
    durable.catch(() => {}) // it is awaited below, when others have been sent behind it
    writing.push(durable)
    if (writing.length === WRITING_MAX) await writing.shift()
    await turn()
  }
  await Promise.all(writing)
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
  /** A block whose transaction has run, and is not on disk and will not be: its rejection says why. */
  #lost: Promise<unknown> | undefined
  position: LoadPosition

  constructor(job: JobRun, parameters: LoadParameters, store: RowStore) {
    this.#job = job
    this.#parameters = parameters
    this.#store = store
    const known = store.columns(parameters.database, parameters.table)
    const reader = (name: string) => readerOf(known.get(name)?.type, known.get(name)?.nullable)
    this.#columns = { names: parameters.columns, readers: parameters.columns.map(reader) }
    this.position = (job.position as LoadPosition | undefined) ?? { ...parameters.start, read: 0, written: 0 }
    this.#at = this.position
  }

  async parse(source: Source): Promise<ParsedBlock | undefined> {
    const block = await source.read(this.#at)
    if (!block) return undefined
    this.#at = block.next
    return { block, parsed: parseBlock(block, this.#parameters.format, this.#columns) }
  }

  /** Writes what can be taken and notes what cannot. Blocks are written in their order; `durable` when it is on disk. */
  async write({ block, parsed }: ParsedBlock): Promise<{ durable: Promise<unknown> }> {
    const errors = [...parsed.errors]
    const left = parsed.records.map((record, index) => ({ record, index }))
    for (;;) {
      this.#checkErrors(errors)
      const records = left.map(({ record }) => record)
      const outcome = await this.#tryToWrite(block, records, errors)
      if ('durable' in outcome) return outcome
      errors.push({ line: parsed.lineOf(left[outcome.index]!.index), reason: outcome.reason })
      left.splice(outcome.index, 1)
      await turn() // each try is the work of a block
      this.#job.signal.throwIfAborted()
    }
  }

  /**
   * Writes records, or answers which one of them cannot be taken. A transaction that has run is in its place before
   * every later one, so only its way to disk is left; one that has not run (yet) is waited for.
   */
  async #tryToWrite(
    block: Block,
    records: Fields[],
    errors: readonly RowError[],
  ): Promise<{ durable: Promise<unknown> } | { index: number; reason: string }> {
    const { read, written } = this.position
    const position = { ...block.next, read: read + records.length + errors.length, written }
    let hasRun = false
    let isSent = false
    const durable = this.#store.write(this.#parameters, this.#job.user, records, (transaction, more) => {
      if (this.#lost) throw new Error('a position behind a lost block is not stored')
      position.written += more
      this.#job.step(transaction, { position, rows: records.length, bytes: block.bytes, errors })
      hasRun = true
      transaction.onUndo(() => {
        hasRun = false
        if (isSent) this.#lost ??= durable
      })
    })
    isSent = hasRun
    try {
      if (!hasRun) await durable
      this.position = position
      return { durable }
    } catch (error) {
      await this.#lost
      const index = error instanceof Problem ? Number((error.facts as { index?: number }).index ?? -1) : -1
      if (!records[index]) throw error
      return { index, reason: reasonIn(error as Problem) }
    }
  }

  #checkErrors(errors: readonly RowError[]): void {
    const { errorsMax } = this.#parameters
    if (this.#job.progress.errors + errors.length <= errorsMax) return
    this.#job.refuse(errors)
    throw new Problem('too_many_bad_rows', { limit: errorsMax })
  }
}

/** Without the place within one write, which nobody sees: the error names the line, and other rows are stored. */
function reasonIn({ message }: Problem): string {
  return message.replace(/^records\[\d+\]: /, '').replace(/ Nothing was stored\.$/, '')
}
