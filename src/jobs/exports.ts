import type { FileHandle } from 'node:fs/promises'
import { Problem } from '../lib/index.js'
import type { FileIdentity, Folder, Maker } from './folder.js'
import type { Author, Jobs, Started } from './jobs.js'
import { ColumnMissing, type ExportFormat, RowFile } from './row-file.js'
import type { JobRun } from './run.js'

/** Rows at one moment. It pins pages of the store: dispose of it soon. */
export interface RowsMoment extends Disposable {
  columns: readonly string[]
  /** Members that some rows may have beside the columns. */
  unnamed: readonly string[]
}

/** A table at one moment. */
export interface TableMoment extends RowsMoment {
  count: number
  /** Every row as JSON text. */
  texts(): Iterable<string>
  rows(): Iterable<Readonly<Record<string, unknown>>>
}

/** What a search finds at one moment. */
export interface SearchMoment extends RowsMoment {
  /** Every row as a line of JSON, in pieces of whole lines. */
  lines(control: { signal: AbortSignal }): AsyncIterable<string>
}

export interface ExportsOptions {
  jobs: Jobs
  folder: Folder
  /** @throws Problem table_not_found */
  open(database: string, table: string): TableMoment
  /** Runs a reading operation as a user. @throws Problem when the request is wrong */
  search(request: Record<string, unknown>, user: string): SearchMoment
}

/** Where an export goes. */
export interface ExportTarget {
  format: ExportFormat
  /** Below the export folder. */
  file: string
}

/** What is exported: a table, or what a reading operation answers. */
export type ExportSource =
  | { database: string; table: string; search?: undefined }
  | { search: Record<string, unknown>; table?: undefined }

type ExportRequest = ExportTarget & ExportSource

const TYPE = 'export_local'

/** Exports as jobs: from one snapshot, streamed into a file that appears when it is whole. */
export class Exports {
  readonly #options: ExportsOptions

  constructor(options: ExportsOptions) {
    this.#options = options
    options.jobs.define(TYPE, (job) => this.#export(job))
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

  /**
   * Starts an export; a restart of the node begins again.
   * @throws Problem table_not_found, and those of the search and of the folder
   */
  async start(target: ExportTarget, source: ExportSource, author: Author): Promise<Started> {
    const { jobs, folder } = this.#options
    const parameters: ExportRequest = { ...target, ...source }
    this.#open(parameters, author.user ?? '')[Symbol.dispose]()
    await folder.checkNew(target.file)
    return await jobs.start({ type: TYPE, author, parameters })
  }

  #open(request: ExportRequest, user: string): TableMoment | SearchMoment {
    const { open, search } = this.#options
    return request.search ? search(request.search, user) : open(request.database, request.table)
  }

  async #export(job: JobRun): Promise<string> {
    const request = job.record.parameters as ExportRequest
    const { format, file: path } = request
    const noted = job.position as FileIdentity | undefined
    const maker: Maker = { id: job.id, noted, note: (identity) => job.save(identity) }
    await this.#options.folder.makeFile(path, maker, async (file) => {
      job.signal.throwIfAborted()
      using moment = this.#open(request, job.user)
      await this.#write(job, file, format, moment, moment.columns)
    })
    return `exported ${job.progress.rows} records to '${path}'`
  }

  async #write(
    job: JobRun,
    file: FileHandle,
    format: ExportFormat,
    moment: TableMoment | SearchMoment,
    columns: readonly string[],
  ): Promise<void> {
    Object.assign(job.progress, { rows: 0, bytes: 0, rowsTotal: 'count' in moment ? moment.count : 0 })
    const rows = new RowFile(job, file, format, { columns, unnamed: moment.unnamed })
    try {
      if ('lines' in moment) for await (const lines of moment.lines(job)) await rows.addLines(lines)
      else await rows.addAll(format === 'csv' ? moment.rows() : moment.texts())
    } catch (error) {
      if (!(error instanceof ColumnMissing)) throw error
      await file.truncate()
      return this.#write(job, file, format, moment, [...columns, error.column])
    }
    await rows.end()
  }
}
