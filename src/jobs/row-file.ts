import type { FileHandle } from 'node:fs/promises'
import type { JobRun } from './run.js'

export type ExportFormat = 'json' | 'ndjson' | 'csv'

type Fields = Readonly<Record<string, unknown>>

/** Characters that are written at a time. */
const PIECE_CHARACTERS = 1 << 18

/** A row of a CSV file has a member for which there is no column yet, and the head is written already. */
export class ColumnMissing extends Error {
  readonly column: string

  constructor(column: string) {
    super(`a row has '${column}'`)
    this.column = column
  }
}

/** The file of an export: rows in one of three formats, of which it holds no more than a piece. */
export class RowFile {
  readonly #job: JobRun
  readonly #file: FileHandle
  readonly #format: ExportFormat
  readonly #columns: readonly string[]
  readonly #others: readonly string[]
  #piece: string
  #separator: string

  /** `unnamed`: members that rows may have beside the columns. */
  constructor(
    job: JobRun,
    file: FileHandle,
    format: ExportFormat,
    { columns, unnamed }: { columns: readonly string[]; unnamed: readonly string[] },
  ) {
    this.#job = job
    this.#file = file
    this.#format = format
    this.#columns = columns
    this.#others = unnamed.filter((name) => !columns.includes(name))
    this.#piece = format === 'json' ? '[' : format === 'csv' ? `${columns.map(csvField).join(',')}\n` : ''
    this.#separator = format === 'json' ? '\n' : ''
  }

  /** Rows: as fields for CSV, else as JSON text. @throws ColumnMissing */
  async addAll(rows: Iterable<string | Fields>): Promise<void> {
    for (const row of rows) {
      this.#add(row)
      if (this.#piece.length >= PIECE_CHARACTERS) await this.#flush()
    }
  }

  /** Rows as lines of JSON, with a newline behind the last. */
  async addLines(lines: string): Promise<void> {
    const rows = lines.slice(0, -1).split('\n')
    await this.addAll(this.#format === 'csv' ? rows.map((row) => JSON.parse(row) as Fields) : rows)
  }

  async end(): Promise<void> {
    this.#piece += this.#format === 'json' ? '\n]\n' : this.#job.progress.rows > 0 ? '\n' : ''
    await this.#flush()
  }

  #add(row: string | Fields): void {
    this.#piece += this.#separator + (typeof row === 'string' ? row : this.#csvLine(row))
    this.#separator = this.#format === 'json' ? ',\n' : '\n'
    this.#job.progress.rows++
  }

  #csvLine(row: Fields): string {
    const missing = this.#others.find((name) => Object.hasOwn(row, name))
    if (missing !== undefined) throw new ColumnMissing(missing)
    // A name such as `toString` is in every object: only what is the row's own counts.
    return this.#columns.map((name) => (Object.hasOwn(row, name) ? csvField(row[name]) : '')).join(',')
  }

  async #flush(): Promise<void> {
    this.#job.signal.throwIfAborted()
    const bytes = Buffer.from(this.#piece)
    this.#piece = ''
    await this.#file.appendFile(bytes)
    this.#job.progress.bytes += bytes.length
  }
}

/** RFC 4180. Nothing stands for null, and "" for an empty text; objects and lists are JSON. */
function csvField(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
