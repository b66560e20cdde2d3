import type { FileHandle } from 'node:fs/promises'
import { endOfFirstRecord, type LoadFormat, linesIn, Problem } from '../../lib/index.js'
import type { Folder } from '../folder.js'
import type { Author, Jobs, Started } from '../jobs.js'
import type { JobRun } from '../run.js'
import { type LoadAction, type LoadParameters, type LoadTarget, load, type RowStore, rightsToLoad } from './load.js'
import { parseHeader } from './parse.js'
import {
  BLOCK_BYTES,
  blocksOf,
  decode,
  fileSource,
  partSource,
  RECORD_BYTES_MAX,
  type SourcePosition,
} from './source.js'

export interface LoadsOptions {
  jobs: Jobs
  rows: RowStore
  imports: Folder
  badRowsMax: number
  /** Columns that a table may have: more names than that are none of one. */
  columnsMax: number
}

export interface LoadRequest {
  database: string
  table: string
  action: LoadAction
  format: LoadFormat
}

interface FileParameters extends LoadParameters {
  path: string
  size: number
  /** Milliseconds since 1970. */
  modified: number
}

const BOM = Buffer.from('\ufeff')
const TYPE = { data: 'csv_data_load', file: 'csv_file_load' } as const

/** Loads of CSV and newline-delimited JSON as jobs: text that is sent, and files of the import folder. */
export class Loads {
  /** What a caller must be allowed to do. */
  readonly rightsFor = rightsToLoad
  readonly #options: LoadsOptions

  constructor(options: LoadsOptions) {
    this.#options = options
    options.jobs.define(TYPE.data, (job) => this.#loadParts(job))
    options.jobs.define(TYPE.file, (job) => this.#loadFile(job))
  }

  /** Starts to load a text; `mayWrite` is told the columns first. @throws Problem table_not_found, input_invalid */
  async startText(
    request: LoadRequest,
    data: string,
    author: Author,
    mayWrite: (columns: string[]) => void,
  ): Promise<Started> {
    const { jobs, rows } = this.#options
    rows.columns(request.database, request.table)
    const input = Buffer.from(data)
    const { columns: first, start } = beginning(input, request.format)
    const columns = request.format === 'csv' ? first : namesOfNdjson(input.subarray(start.offset))
    mayWrite(columns)
    const parts = [...blocksOf(input.subarray(start.offset), request.format)].map((part) => part.toString())
    const parameters = this.#parameters(request, columns, { offset: 0, line: start.line }, input.length - start.offset)
    return jobs.start({ type: TYPE.data, author, parameters, parts })
  }

  /** Starts to load a file. @throws Problem table_not_found, input_invalid, and those of Folder.openFile */
  async startFile(request: LoadRequest, path: string, author: Author): Promise<Started> {
    const { jobs, rows, imports } = this.#options
    rows.columns(request.database, request.table)
    await using file = await imports.openFile(path)
    const { size, mtimeMs } = await file.stat()
    const { columns, start } = beginning(await headOf(file), request.format)
    const parameters: FileParameters = {
      ...this.#parameters(request, columns, start, size - start.offset),
      path,
      size,
      modified: mtimeMs,
    }
    return jobs.start({ type: TYPE.file, author, parameters })
  }

  #parameters(
    target: LoadTarget & LoadRequest,
    columns: string[],
    start: SourcePosition,
    bytesTotal: number,
  ): LoadParameters {
    const { badRowsMax, columnsMax: limit } = this.#options
    if (columns.length > limit)
      throw new Problem('too_many', { what: 'columns', limit, setting: 'catalog.columns_max' })
    const { database, table, action, format } = target
    return { database, table, action, format, columns, start, bytesTotal, errorsMax: badRowsMax }
  }

  #loadParts(job: JobRun): Promise<string> {
    return load(
      job,
      partSource((index) => job.part(index), job.record.parts),
      this.#options.rows,
    )
  }

  async #loadFile(job: JobRun): Promise<string> {
    const { path, size, modified, format } = job.record.parameters as FileParameters
    await using file = await this.#options.imports.openFile(path)
    const now = await file.stat()
    if (now.size !== size || now.mtimeMs !== modified)
      throw new Problem('input_invalid', {
        reason: `The file '${path}' has changed since the job was started. Start it again.`,
      })
    return await load(job, fileSource(file, format), this.#options.rows)
  }
}

/** What stands before the rows: a byte order mark, and in CSV the names of the columns. */
function beginning(input: Buffer, format: LoadFormat): { columns: string[]; start: SourcePosition } {
  const mark = input.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0
  if (format === 'ndjson') return { columns: [], start: { offset: mark, line: 1 } }
  const end = endOfFirstRecord(input)
  const header = input.subarray(mark, end)
  return { columns: parseHeader(decode(header, 1)), start: { offset: end, line: 1 + linesIn(header) } }
}

/** The beginning of a file with all of its first record. */
async function headOf(file: FileHandle): Promise<Buffer> {
  for (let size = BLOCK_BYTES; ; size *= 4) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0)
    const head = buffer.subarray(0, bytesRead)
    if (bytesRead < size || endOfFirstRecord(head) < size || size >= RECORD_BYTES_MAX) return head
  }
}

/** Every name in the lines of JSON that will be loaded; lines that cannot be read are judged later. */
function namesOfNdjson(rows: Buffer): string[] {
  const names = new Set<string>()
  for (const line of rows.toString().split('\n'))
    try {
      const record: unknown = JSON.parse(line)
      if (typeof record === 'object' && record !== null) for (const name of Object.keys(record)) names.add(name)
    } catch {}
  return [...names]
}
