import type { FileHandle } from 'node:fs/promises'
import { Problem } from '../lib/index.js'
import type { Folder } from './folder.js'
import type { Jobs, NewJob, Started } from './jobs.js'
import type { JobRun } from './run.js'

export type ExportFormat = 'json' | 'ndjson' | 'csv'

/** One moment of a table. It pins pages of the store: dispose of it soon. */
export interface TableMoment extends Disposable {
  columns: readonly string[]
  count: number
  /** Every row as JSON text. */
  texts(): Iterable<string>
  rows(): Iterable<Readonly<Record<string, unknown>>>
}

export interface ExportsOptions {
  jobs: Jobs
  folder: Folder
  /** @throws Problem table_not_found */
  open(database: string, table: string): TableMoment
}

export interface ExportRequest {
  database: string
  table: string
  format: ExportFormat
  /** Below the export folder. */
  file: string
}

const TYPE = 'export_local'
/** Characters that are written at a time. */
const PIECE_CHARACTERS = 1 << 18

/** Exports of tables as jobs: from one snapshot, streamed into a file that appears when it is whole. */
export class Exports {
  readonly #options: ExportsOptions

  constructor(options: ExportsOptions) {
    this.#options = options
    options.jobs.define(TYPE, (job) => this.#exportTable(job))
  }

  /** The path of an export: HarperDB gives folder and name apart. @throws Problem invalid_request */
  pathOf(folder: string, name: string | undefined, format: ExportFormat): string {
    const file = name ?? `export-${new Date().toISOString().replaceAll(':', '-')}`
    if (/[/\\]/.test(file))
      throw new Problem('invalid_request', {
        reason: "'filename' must be a name without folders; 'path' names the folder",
      })
    const full = file.endsWith(`.${format}`) ? file : `${file}.${format}`
    return folder === '' ? full : `${folder.replace(/\/+$/, '')}/${full}`
  }

  /** Exports a table; a restart of the node begins again. @throws Problem table_not_found */
  startTable(
    request: ExportRequest,
    author: { user: string | undefined; idempotency?: NewJob['idempotency'] },
  ): Promise<Started> {
    const { jobs, open } = this.#options
    open(request.database, request.table)[Symbol.dispose]()
    return jobs.start({ type: TYPE, user: author.user ?? '', parameters: request, idempotency: author.idempotency })
  }

  /** Exports what a query answers: `run` gives its rows. A restart of the node ends it. */
  startQuery(
    { format, file }: Pick<ExportRequest, 'format' | 'file'>,
    run: (signal: AbortSignal) => Promise<Readonly<Record<string, unknown>>[]>,
    author: { user: string | undefined; idempotency?: NewJob['idempotency'] },
  ): Promise<Started> {
    const work = async (job: JobRun) => {
      const rows = await run(job.signal)
      job.progress.rowsTotal = rows.length
      const columns = format === 'csv' ? [...new Set(rows.flatMap((row) => Object.keys(row)))] : []
      return await this.#write(
        job,
        format,
        file,
        columns,
        format === 'csv' ? rows : rows.map((row) => JSON.stringify(row)),
      )
    }
    return this.#options.jobs.start({ type: TYPE, user: author.user ?? '', run: work, idempotency: author.idempotency })
  }

  async #exportTable(job: JobRun): Promise<string> {
    const { database, table, format, file } = job.record.parameters as ExportRequest
    using moment = this.#options.open(database, table)
    Object.assign(job.progress, { rows: 0, bytes: 0, rowsTotal: moment.count })
    const rows = format === 'csv' ? moment.rows() : moment.texts()
    return await this.#write(job, format, file, moment.columns, rows)
  }

  async #write(
    job: JobRun,
    format: ExportFormat,
    path: string,
    columns: readonly string[],
    rows: Iterable<string | Readonly<Record<string, unknown>>>,
  ): Promise<string> {
    await this.#options.folder.makeFile(path, (file) => writeRows(job, file, format, columns, rows))
    return `exported ${job.progress.rows} records to '${path}'`
  }
}

async function writeRows(
  job: JobRun,
  file: FileHandle,
  format: ExportFormat,
  columns: readonly string[],
  rows: Iterable<string | Readonly<Record<string, unknown>>>,
): Promise<void> {
  const { progress, signal } = job
  let piece = format === 'json' ? '[' : format === 'csv' ? `${columns.map(csvField).join(',')}\n` : ''
  let separator = format === 'json' ? '\n' : ''
  const flush = async () => {
    signal.throwIfAborted()
    const bytes = Buffer.from(piece)
    piece = ''
    await file.appendFile(bytes)
    progress.bytes += bytes.length
  }
  for (const row of rows) {
    piece += separator + (typeof row === 'string' ? row : csvLine(row, columns))
    separator = format === 'json' ? ',\n' : '\n'
    progress.rows++
    if (piece.length >= PIECE_CHARACTERS) await flush()
  }
  piece += format === 'json' ? '\n]\n' : progress.rows > 0 ? '\n' : ''
  await flush()
}

function csvLine(row: Readonly<Record<string, unknown>>, columns: readonly string[]): string {
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
