import type { FileHandle } from 'node:fs/promises'
import type { JobRun } from './run.js'

export type ExportFormat = 'json' | 'ndjson' | 'csv'

type Fields = Readonly<Record<string, unknown>>

/** Characters that are written at a time. */
const PIECE_CHARACTERS = 1 << 18

/** The file of an export: rows in one of three formats, of which it holds no more than a piece. */
export class RowFile {
  readonly #job: JobRun
  readonly #file: FileHandle
  readonly #format: ExportFormat
  readonly #columns: readonly string[]
  #piece: string
  #separator: string

  constructor(job: JobRun, file: FileHandle, format: ExportFormat, columns: readonly string[]) {
    this.#job = job
    this.#file = file
    this.#format = format
    this.#columns = columns
    this.#piece = format === 'json' ? '[' : format === 'csv' ? `${columns.map(csvField).join(',')}\n` : ''
    this.#separator = format === 'json' ? '\n' : ''
  }

  /** Rows: as fields for CSV, else as JSON text. */
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
    this.#piece += this.#separator + (typeof row === 'string' ? row : csvLine(row, this.#columns))
    this.#separator = this.#format === 'json' ? ',\n' : '\n'
    this.#job.progress.rows++
  }

  async #flush(): Promise<void> {
    this.#job.signal.throwIfAborted()
    const bytes = Buffer.from(this.#piece)
    this.#piece = ''
    await this.#file.appendFile(bytes)
    this.#job.progress.bytes += bytes.length
  }
}

function csvLine(row: Fields, columns: readonly string[]): string {
  let line = ''
  for (let index = 0; index < columns.length; index++) line += (index === 0 ? '' : ',') + csvField(row[columns[index]!])
  return line
}

/** RFC 4180. Nothing stands for null; objects and lists are JSON. */
function csvField(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
