import { parse } from 'csv-parse/sync'
import { checkJsonBounds, endOfRecord, type LoadFormat, Problem } from '../../lib/index.js'
import type { RowError } from '../record.js'
import type { Block } from './source.js'
import { type Field, QUOTED_EMPTY, type Reader } from './values.js'

export type Fields = Record<string, unknown>

export interface Parsed {
  records: Fields[]
  /** Line of each record. */
  lineOf: (index: number) => number
  errors: RowError[]
}

/** The columns of a CSV: names and how their values are read. */
export interface CsvColumns {
  names: readonly string[]
  readers: readonly Reader[]
}

/** Both ends of lines are named: csv-parse would else take the first it sees for all, be it a lone carriage return in a field. */
const CSV = { columns: false, skip_empty_lines: true, record_delimiter: ['\r\n', '\n'] as string[] } as const
/** Deepest nesting and most keys of one record. */
const RECORD_BOUNDS = { depthMax: 64, keysMax: 100_000 }

/** The rows of a block, and what could not be read. */
export function parseBlock(block: Block, format: LoadFormat, columns: CsvColumns): Parsed {
  return format === 'csv' ? parseCsv(block, columns) : parseNdjson(block)
}

/** The names in the first line of a CSV. @throws Problem input_invalid */
export function parseHeader(text: string): string[] {
  let names: string[]
  try {
    names = (parse(text, { ...CSV, to: 1, bom: true }) as string[][])[0] ?? []
  } catch (error) {
    throw new Problem('input_invalid', {
      reason: `The first line of the CSV cannot be read: ${(error as Error).message}`,
    })
  }
  if (names.length === 0)
    throw new Problem('input_invalid', { reason: 'The CSV is empty: its first line must name the columns.' })
  if (endsWithReturns(text))
    throw new Problem('input_invalid', {
      reason: 'The lines of the CSV end with carriage returns alone: they must end with newlines.',
    })
  const seen = new Set<string>()
  for (const name of names) {
    if (name === '' || seen.has(name))
      throw new Problem('input_invalid', {
        reason: `The first line of the CSV must name each column once: '${name}' is ${name === '' ? 'empty' : 'there twice'}.`,
      })
    seen.add(name)
  }
  return names
}

/** Whether what stands before the first newline are several lines, as older programs end them. */
function endsWithReturns(text: string): boolean {
  return /\r(?!\n|$)/.test(text.replaceAll(/"[^"]*"/g, ''))
}

function parseCsv(block: Block, { names, readers }: CsvColumns): Parsed {
  let rows: Field[][]
  try {
    rows = rowsIn(block.text) // refuses rows of different lengths
  } catch {
    return parseOneByOne(block, { names, readers })
  }
  if (rows.length > 0 && rows[0]!.length !== names.length) return parseOneByOne(block, { names, readers })
  const records = rows.map((row) => recordOf(row, names, readers))
  // Lines are counted only when somebody asks.
  let lines: number[] | undefined
  return { records, lineOf: (index) => (lines ??= linesOf(block))[index]!, errors: [] }
}

/** A block with rows that cannot be read: each by itself. What breaks a quotation costs its own line only. */
function parseOneByOne({ text, line }: Block, { names, readers }: CsvColumns): Parsed {
  const records: Fields[] = []
  const lines: number[] = []
  const errors: RowError[] = []
  const codes = codesOf(text)
  for (let start = 0, at = line; start < text.length; ) {
    let end = endOfRecord(codes, start)
    let row = rowIn(text.slice(start, end))
    if (typeof row === 'string') {
      const newline = text.indexOf('\n', start)
      if (newline !== -1) end = newline + 1
    } else if (row && row.length !== names.length) row = `has ${row.length} fields instead of ${names.length}`
    if (typeof row === 'string') errors.push({ line: at, reason: row })
    else if (row) {
      records.push(recordOf(row, names, readers))
      lines.push(at)
    }
    at += newlinesIn(text, start, end)
    start = end
  }
  return { records, lineOf: (index) => lines[index]!, errors }
}

/** The fields of one record, nothing for an empty line, or what is wrong with it. */
function rowIn(text: string): readonly Field[] | undefined | string {
  try {
    return rowsIn(text)[0]
  } catch (error) {
    return (error as Error).message.replace(/ (?:at|on) line \d+/, '')
  }
}

/** Whether a field was in quotes is asked only where it may matter: it is told by a call for every field. */
function rowsIn(text: string): Field[][] {
  if (!/(?:^|[,\n])""(?:[,\r\n]|$)/.test(text)) return parse(text, CSV) as string[][]
  const cast = (field: string, { quoting }: { quoting: boolean }) => (quoting && field === '' ? QUOTED_EMPTY : field)
  return parse(text, { ...CSV, cast }) as Field[][]
}

/** The line of each record of a block without faults. */
function linesOf({ text, line }: Block): number[] {
  const lines: number[] = []
  const codes = codesOf(text)
  for (let start = 0, at = line; start < text.length; ) {
    const end = endOfRecord(codes, start)
    if (!/^\r?\n?$/.test(text.slice(start, end))) lines.push(at)
    at += newlinesIn(text, start, end)
    start = end
  }
  return lines
}

function codesOf(text: string): Uint16Array {
  const codes = new Uint16Array(text.length)
  for (let index = 0; index < text.length; index++) codes[index] = text.charCodeAt(index)
  return codes
}

function newlinesIn(text: string, start: number, end: number): number {
  let count = 0
  for (let at = text.indexOf('\n', start); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) count++
  return count
}

function recordOf(row: readonly Field[], names: readonly string[], readers: readonly Reader[]): Fields {
  const record: Fields = {}
  for (let column = 0; column < names.length; column++) {
    const name = names[column]!
    const value = readers[column]!(row[column]!)
    if (name !== '__proto__') record[name] = value
    else Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return record
}

function parseNdjson({ text, line }: Block): Parsed {
  const records: Fields[] = []
  const lines: number[] = []
  const errors: RowError[] = []
  for (const [index, json] of text.split('\n').entries()) {
    if (json.trim() === '') continue
    try {
      checkJsonBounds(json, RECORD_BOUNDS)
      const record: unknown = JSON.parse(json)
      if (typeof record !== 'object' || record === null || Array.isArray(record))
        throw new Error('is not a JSON object')
      records.push(record as Fields)
      lines.push(line + index)
    } catch (error) {
      errors.push({ line: line + index, reason: (error as Error).message })
    }
  }
  return { records, lineOf: (index) => lines[index]!, errors }
}
