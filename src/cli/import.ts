import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { type Client, type Job, TrellisProblem } from '../client/index.js'
import { endOfFirstRecord, endOfRecords, type LoadFormat, linesIn } from '../lib/index.js'
import type { Flag } from './arguments.js'
import { EXIT, Usage } from './failures.js'
import { Progress } from './progress.js'

/** What one request carries of the file. */
const PART_BYTES = 2 << 20
/** Largest file that is one JSON array: it is read whole. */
const JSON_BYTES_MAX = 256 << 20
const ERRORS_SHOWN = 20
/** Longest record: what is longer is no record of a file that is in order. */
const RECORD_BYTES_MAX = 8 << 20
/** Keeps a byte order mark: the node knows what it is. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

type Flags = Partial<Record<Flag, string>>

/** What an import has done. */
export interface Imported {
  rows: number
  written: number
  errors: { line: number; reason: string }[]
  errors_total: number
  /** Of the rows, those that the same command has loaded before. */
  earlier: number
  seconds: number
}

interface Part {
  text: string
  /** Line of its first record. */
  line: number
  /** Bytes of the file up to its end. */
  upTo: number
}

/**
 * Loads a file by jobs of the node, part after part. Each part has an idempotency key made of what it holds: after a
 * broken connection or Ctrl-C the same command goes on where it was, and no row comes twice.
 */
export async function importFile(client: Client, path: string, flags: Flags): Promise<Imported> {
  const target = targetOf(flags)
  const format = formatOf(path, flags.format)
  const progress = new Progress(process.stderr)
  const done: Imported = { rows: 0, written: 0, errors: [], errors_total: 0, earlier: 0, seconds: 0 }
  const started = performance.now()
  const run = flags.again === undefined ? [] : [randomUUID()]
  using _ = stoppable(progress, path)
  await using file = await open(path)
  const found = await file.stat()
  if (!found.isFile())
    throw new Usage(`${path} is not a file: what comes through a pipe has to be stored in one first.`)
  const { size } = found
  const { header, parts } = format === 'json' ? await partsOfArray(path, size) : await partsOfFile(file, path, format)
  const begun = await clockOf(client)
  try {
    for await (const { text, line, upTo } of parts) {
      const request = { ...target, format: format === 'csv' ? 'csv' : 'ndjson', data: header + text || '\n' } as const
      const { job_id } = await client.csvDataLoad(request, { idempotencyKey: keyOf(request, upTo, ...run) })
      const job = await endOf(client, job_id, (now) =>
        progress.show({ share: (upTo - text.length * (1 - shareOf(now))) / size, rows: done.rows + rowsOf(now) }),
      )
      add(done, job, line - linesIn(Buffer.from(header)))
      if (Number(job['created_datetime']) < begun) done.earlier += rowsOf(job)
      progress.show({ share: upTo / size, rows: done.rows })
    }
  } finally {
    progress.end()
  }
  done.seconds = (performance.now() - started) / 1000
  return done
}

/** What time it is for the node, in whole seconds: milliseconds since 1970. */
async function clockOf(client: Client): Promise<number> {
  const { headers } = await client.open('ping')
  return Date.parse(headers.get('date') ?? '') || 0
}

/** Says at Ctrl-C how to go on. The node finishes the part that it has. */
function stoppable(progress: Progress, path: string): Disposable {
  const stop = () => {
    progress.end()
    process.stderr.write(`Stopped. The same command goes on with ${path} where it was; no row comes twice.\n`)
    process.exit(EXIT.interrupted)
  }
  process.once('SIGINT', stop)
  return { [Symbol.dispose]: () => void process.off('SIGINT', stop) }
}

/** What people read in the end. */
export function summary({ rows, written, errors, errors_total, earlier, seconds }: Imported): string {
  const speed = Math.round(rows / Math.max(seconds, 0.001)).toLocaleString('en')
  const lines = [
    `Loaded ${written.toLocaleString('en')} of ${(rows + errors_total).toLocaleString('en')} rows in ${seconds.toFixed(1)} s (${speed} rows/s).`,
  ]
  if (earlier > 0)
    lines.push(
      `The same command has loaded ${earlier.toLocaleString('en')} of them before, which were not loaded now; --again does.`,
    )
  if (errors_total > 0) lines.push(`${errors_total} ${errors_total === 1 ? 'row' : 'rows'} could not be taken:`)
  for (const { line, reason } of errors.slice(0, ERRORS_SHOWN)) lines.push(`  line ${line}: ${reason}`)
  if (errors_total > ERRORS_SHOWN) lines.push('  …')
  return lines.join('\n')
}

function targetOf({ table, database = 'data', action = 'insert' }: Flags) {
  if (table === undefined) throw new Usage('Say which table is to be filled: trellis import FILE --table T.')
  if (action !== 'insert' && action !== 'update' && action !== 'upsert')
    throw new Usage('--action must be insert, update or upsert.')
  return { database, table, action } as const
}

function formatOf(path: string, given: string | undefined): LoadFormat | 'json' {
  const format = given ?? (/\.(?:ndjson|jsonl)$/i.test(path) ? 'ndjson' : /\.json$/i.test(path) ? 'json' : 'csv')
  if (format === 'csv' || format === 'ndjson' || format === 'json') return format
  throw new Usage('--format must be csv, ndjson or json.')
}

async function partsOfFile(
  file: FileHandle,
  path: string,
  format: LoadFormat,
): Promise<{ header: string; parts: AsyncIterable<Part> }> {
  if (format === 'ndjson') return { header: '', parts: cut(file, path, format, 0, 1) }
  const { buffer, bytesRead } = await file.read(Buffer.alloc(PART_BYTES), 0, PART_BYTES, 0)
  const head = buffer.subarray(0, endOfFirstRecord(buffer.subarray(0, bytesRead)))
  const header = textOf(head, path, 1)
  return {
    header: header.endsWith('\n') ? header : `${header}\n`,
    parts: cut(file, path, format, head.length, 1 + linesIn(head)),
  }
}

/** Parts of whole records. One at least, which may be empty: the node judges the table, and a first line without others. */
async function* cut(
  file: FileHandle,
  path: string,
  format: LoadFormat,
  offset: number,
  line: number,
): AsyncGenerator<Part> {
  for (let at = offset, size = PART_BYTES; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size, at)
    if (bytesRead === 0 && at > offset) return
    const isLast = bytesRead < size
    const isTooLong = size >= RECORD_BYTES_MAX
    const most = isTooLong ? { recordsMax: 1, isLast: true } : { isLast }
    const whole = endOfRecords(buffer.subarray(0, bytesRead), format, most)
    if (whole === 0 && !isLast) {
      size *= 2 // a record that is longer than a part
      continue
    }
    const part = buffer.subarray(0, isLast ? bytesRead : whole)
    yield { text: textOf(part, path, line), line, upTo: at + part.length }
    if (part.length === 0) return
    at += part.length
    line += linesIn(part)
    size = PART_BYTES
  }
}

/** What is not UTF-8 would be stored with other characters than it has. */
function textOf(bytes: Uint8Array, path: string, line: number): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new Usage(`${path} is not UTF-8 near line ${line + lineOfFault(bytes)}: convert it first, as with iconv.`)
  }
}

/** Lines before the first byte that is not UTF-8. */
function lineOfFault(bytes: Uint8Array): number {
  const text = new TextDecoder().decode(bytes)
  return text.slice(0, text.indexOf('\ufffd')).split('\n').length - 1
}

/** A file that is one JSON array, as lines. Its errors are counted by record. */
async function partsOfArray(path: string, size: number): Promise<{ header: string; parts: AsyncIterable<Part> }> {
  if (size > JSON_BYTES_MAX)
    throw new Usage(`${path} is larger than ${JSON_BYTES_MAX} bytes: give it as NDJSON, one object on each line.`)
  const records = arrayIn(path, textOf(await readFile(path), path, 1).replace(/^\ufeff/, ''))
  return { header: '', parts: partsOfRecords(records, size) }
}

function arrayIn(path: string, text: string): unknown[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Usage(`${path} is not JSON: ${(error as Error).message}`)
  }
  if (!Array.isArray(value)) throw new Usage(`${path} must be a JSON array of objects.`)
  return value
}

async function* partsOfRecords(records: readonly unknown[], size: number): AsyncGenerator<Part> {
  if (records.length === 0) yield { text: '', line: 1, upTo: size }
  let lines: string[] = []
  let length = 0
  let first = 1
  for (const [index, record] of records.entries()) {
    const text = JSON.stringify(record)
    lines.push(text)
    length += text.length + 1
    if (length < PART_BYTES && index < records.length - 1) continue
    yield { text: lines.join('\n'), line: first, upTo: (size * (index + 1)) / records.length }
    lines = []
    length = 0
    first = index + 2
  }
}

function keyOf(...parts: [request: object, place: number, run?: string]): string {
  return `import-${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}`
}

/** A job that ended early has loaded something too: what it tells is kept, and then its failure is thrown. */
async function endOf(client: Client, id: string, onProgress: (job: Job) => void): Promise<Job> {
  try {
    return await client.waitForJob(id, { onProgress, pollMs: 100 })
  } catch (error) {
    if (!(error instanceof TrellisProblem) || error.code !== 'job_failed') throw error
    const { errors } = error.body['job'] as { errors?: { line: number; reason: string }[] }
    const first = errors?.[0]
    throw first
      ? new TrellisProblem(
          error.status,
          { ...error.body, detail: `${error.message} The first: line ${first.line} of its part: ${first.reason}` },
          undefined,
        )
      : error
  }
}

function add(done: Imported, job: Job, linesBefore: number): void {
  const [, written] = /loaded (\d+) of (\d+)/.exec(job.message ?? '') ?? []
  const { rows, errors } = job['progress'] as { rows: number; errors: number }
  done.rows += rows
  done.written += Number(written ?? 0)
  done.errors_total += errors
  for (const { line, reason } of job['errors'] as Imported['errors'])
    done.errors.push({ line: linesBefore + line - 1, reason })
}

function rowsOf(job: Job): number {
  return (job['progress'] as { rows: number } | undefined)?.rows ?? 0
}

function shareOf(job: Job): number {
  return ((job['progress'] as { percent: number | null } | undefined)?.percent ?? 0) / 100
}
