// The columns of a result: reads `select` and writes rows as JSON text.
import { didYouMean, Problem, show } from '../../lib/index.js'
import type { FoundRecord } from '../reader.js'
import { encodeJson } from '../stored-row.js'
import type { Join } from './join.js'
import { type Frame, type Ref, refTo, refToUnnamed, type Scope } from './scope.js'

/** A column of the result. */
export interface Output {
  readonly name: string
  readonly ref: Ref
  /** It is no column: written for records that have it, and behind all columns. */
  readonly unnamed?: true
}

export type AggregateName = 'count' | 'sum' | 'min' | 'max' | 'avg'

/** A number computed from the rows of a group. */
export interface Aggregate {
  readonly run: AggregateName
  /** Absent for count of all rows. */
  readonly ref?: Ref
  readonly distinct: boolean
}

/** An item of `select`, once it is understood. */
export type Selected = { readonly name: string } & (
  | { readonly ref: Ref; readonly unnamed?: true }
  | { readonly aggregate: Aggregate }
)

export const aggregateNames: readonly string[] = ['count', 'sum', 'min', 'max', 'avg'] satisfies AggregateName[]

export function malformed(reason: string): Problem {
  return new Problem('select_malformed', { part: 'select', reason })
}

/** What "*" selects of one table, by the columns that the caller sees. */
const wholes = new WeakMap<Scope['base']['columns'], Selected[]>()

/** Reads `select`: "*" or a list of names, "table.*", {"column", "as"} and {"count" | "sum" | …, "as", "distinct"}. */
export function readSelect(select: unknown, scope: Scope, joins: readonly Join[]): readonly Selected[] {
  const { columns } = scope.base
  if (select === '*' && scope.sources.length === 1) {
    let whole = wholes.get(columns)
    if (!whole) wholes.set(columns, (whole = all(scope, 0, joins)))
    return whole
  }
  if (select === undefined) throw malformed(`Say which columns: "*" or a list of names.`)
  const items = select === '*' ? ['*'] : select
  if (!Array.isArray(items)) throw malformed(`The columns are "*" or a list: [${show(select)}].`)
  if (items.length === 0) throw malformed(`The list of columns is empty; "*" is all of them.`)
  const selected = new Map<string, Selected>()
  for (const item of items.flatMap((it) => readItem(it, scope, joins))) {
    const known = selected.get(item.name)
    if (known && !isSame(known, item)) throw malformed(`Two columns are called '${item.name}'; name one with "as".`)
    selected.set(item.name, item)
  }
  return [...selected.values()]
}

function isSame(a: Selected, b: Selected): boolean {
  return 'ref' in a && 'ref' in b && a.ref.source === b.ref.source && a.ref.name === b.ref.name
}

function readItem(item: unknown, scope: Scope, joins: readonly Join[]): Selected[] {
  if (typeof item === 'string') return readName(item, scope, joins)
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    throw malformed(`An item is a name, {"column": …} or {"count": …}, not ${show(item)}.`)
  const { as, ...rest } = item as Record<string, unknown>
  if (as !== undefined && (typeof as !== 'string' || as === '')) throw malformed(`"as" is a text.`)
  if ('column' in rest) {
    const { column, ...more } = rest
    refuseMore(more)
    if (typeof column !== 'string') throw malformed(`"column" is the name of a column.`)
    return [{ name: as ?? column, ref: scope.find(column) }]
  }
  const aggregate = readAggregate(rest, scope)
  return [{ name: as ?? nameOf(rest), aggregate }]
}

function refuseMore(more: Record<string, unknown>): void {
  const [name] = Object.keys(more)
  if (name !== undefined) throw malformed(`"${name}" has no place there.`)
}

/** An aggregate without "as" is called as SQL writes it: "sum(qty)". */
function nameOf(item: Record<string, unknown>): string {
  const run = Object.keys(item).find((name) => aggregateNames.includes(name))!
  return `${run}(${item['distinct'] === true ? 'distinct ' : ''}${String(item[run])})`
}

/** Reads {"count": "*"}, {"sum": "qty"}, {"count": "owner", "distinct": true}. */
export function readAggregate(item: object, scope: Scope): Aggregate {
  const { distinct = false, ...rest } = item as Record<string, unknown>
  const [run = '', ...more] = Object.keys(rest)
  if (!aggregateNames.includes(run))
    throw malformed(
      `There is no "${run}"; it is one of ${aggregateNames.join(', ')}.${didYouMean(run, aggregateNames)}`,
    )
  if (more.length > 0) throw malformed(`"${more[0]}" has no place beside "${run}".`)
  if (typeof distinct !== 'boolean') throw malformed(`"distinct" is true or false.`)
  const column = rest[run]
  if (typeof column !== 'string') throw malformed(`"${run}" wants the name of a column.`)
  if (run === 'count' && column === '*' && !distinct) return { run, distinct }
  return { run: run as AggregateName, ref: numeric(run, scope.find(column)), distinct }
}

function numeric(run: string, ref: Ref): Ref {
  const isOfNumbers = run !== 'sum' && run !== 'avg'
  if (isOfNumbers || ['int', 'double', 'timestamp', 'any', 'json'].includes(ref.type)) return ref
  throw malformed(`"${run}" wants numbers, and '${ref.name}' is ${ref.type}.`)
}

function readName(name: string, scope: Scope, joins: readonly Join[]): Selected[] {
  // Whoever may write a record may call an attribute so: that must not take the others out of everybody's answers.
  if (name === '*') return scope.sources.flatMap((_, number) => all(scope, number, joins))
  const number = scope.sources.findIndex(({ alias }) => name === `${alias}.*`)
  return number >= 0 ? all(scope, number, joins) : [{ name, ref: scope.find(name) }]
}

/** Every column that is seen, and what else records may have; in a join by "table.column", without those that an equal column already shows. */
function all(scope: Scope, number: number, joins: readonly Join[]): Selected[] {
  const { alias, columns, unnamed } = scope.sources[number]!
  const join = joins.find(({ source }) => source === number)
  const shown = new Set(join && !join.left ? join.pairs.filter((it) => it.ownIsValue).map((it) => it.own.name) : [])
  const nameOf = (name: string) => (scope.sources.length > 1 ? `${alias}.${name}` : name)
  return [
    ...[...columns.values()]
      .filter(({ name }) => !shown.has(name))
      .map((column) => ({ name: nameOf(column.name), ref: refTo(number, column) })),
    ...unnamed.map((name) => unnamedOutput(nameOf(name), number, name)),
  ]
}

/** A member of whole records that is no column. */
export function unnamedOutput(shownAs: string, source: number, name: string): Output {
  return { name: shownAs, ref: refToUnnamed(source, name), unnamed: true }
}

export interface RowWriter {
  (frame: Frame): string
  /** Whether it has served an earlier request: only then what it writes is likely to be wanted again. */
  lasting: boolean
}

const writers = new WeakMap<readonly Output[], RowWriter>()

/** Writes a frame as a JSON object. Absent values are null. To be asked for once a request. */
export function rowWriter(outputs: readonly Output[]): RowWriter {
  const known = writers.get(outputs)
  if (known) {
    known.lasting = true
    return known
  }
  const writer = Object.assign(newWriter(outputs), { lasting: false })
  writers.set(outputs, writer)
  return writer
}

/** A record of the base table as JSON text; written once for those who ask for the same columns. */
export function shown(found: FoundRecord, writer: RowWriter): string {
  if (found.shown?.writer === writer) return found.shown.json
  if (!writer.lasting || !('shown' in found)) return writer([found.row])
  const json = flat(writer([found.row]))
  found.shown = { json, writer }
  return json
}

/**
 * The same text in one piece of memory. A text that was added up is a tree of its parts: it takes several times the
 * memory, and the socket writes it several times slower. (It holds no lone surrogates: JSON text has them escaped.)
 */
export function flat(text: string): string {
  return Buffer.from(text).toString()
}

function newWriter(outputs: readonly Output[]): (frame: Frame) => string {
  const parts = outputs
    .filter(({ unnamed }) => !unnamed)
    .map(({ name, ref: { read } }, i) => ({ head: `${i ? ',' : '{'}${JSON.stringify(name)}:`, read }))
  const unnamed = outputs
    .filter((output) => output.unnamed)
    .map(({ name, ref: { read } }) => ({ head: `${JSON.stringify(name)}:`, read }))
  return (frame) => {
    let text = ''
    for (const { head, read } of parts) text += head + jsonOf(read(frame))
    for (const { head, read } of unnamed) {
      const value = read(frame)
      if (value !== undefined) text += (text === '' ? '{' : ',') + head + jsonOf(value)
    }
    return text === '' ? '{}' : `${text}}`
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that JSON must escape
const escaped = /["\\\u0000-\u001f\ud800-\udfff]/

/** JSON text of a value; most text needs no escapes, which is quick to see. */
function jsonOf(value: unknown): string {
  if (typeof value === 'string') return escaped.test(value) ? JSON.stringify(value) : `"${value}"`
  if (typeof value === 'number') return value === 0 ? zeroOf(value) : Number.isFinite(value) ? String(value) : 'null'
  return value === undefined ? 'null' : encodeJson(value)
}

function zeroOf(zero: number): string {
  return Object.is(zero, -0) ? '-0' : '0'
}
