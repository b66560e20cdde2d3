import type { BoolColumn, Codes, ColumnData, Dictionary, PickedRows, RowBits, ScanBlock } from '../block.js'
import { PyqlError } from '../errors.js'
import type { Aggregate, PartialResult, Program, Scalar, ScanOptions, TableColumn, TriggerOutcome } from '../program.js'
import {
  type Accumulator,
  CarriedValues,
  Counts,
  Extremes,
  firstOf,
  HeldTexts,
  LastValues,
  ScalarExtremes,
  Sums,
} from './accumulators.js'
import { type CellField, Cells } from './cells.js'
import { List, SetOf } from './containers.js'
import { dayMs } from './dates.js'
import { Site } from './grid.js'
import { GroupTree, KeyPool, tooLong } from './groups.js'
import { bucketOf } from './numbers.js'
import { partOf, type RowTest, rowMarker } from './rows.js'
import { Seen } from './seen.js'
import { apart, readNumber } from './text.js'
import { type Value, Values } from './values.js'

const fuelPerStop = 65536
const peoplePerLook = 256
const scheduleMax = 1000 * 366 * dayMs
const textShownMax = 10_000
/** Parts of a block's rows: where more pass, each is looked at; where more pass, they are not kept by themselves. */
const lookedAtAbove = 1 / 2
const pickedBelow = 1 / 4

/** What compiled programs call: the state of one scan, and the operations on values. */
export class Runtime extends Values {
  readonly now: number
  readonly each: readonly Scalar[]
  readonly pool: KeyPool
  readonly seen = new Seen()
  readonly accumulators: Accumulator[]
  /** Thrown by functions of a script that end the script for the person. */
  readonly exit = { exit: true }
  /** By node, the serial number of the person who was counted last. */
  last = new Int32Array(0)
  /** By node, its row in sites; 0 when it was no parent yet. */
  rows = new Int32Array(0)
  /** Of the person at hand: they count up, and are never the same in one scan. */
  serial = 0
  sessions = new Int32Array(64)
  depth = 0
  /** Triggers: what the function gave for the person. */
  returned: Value = null
  outcomes: TriggerOutcome[] = []
  #emitted: Scalar[] = []
  #scheduled: { afterMs: number; entry: string }[] = []
  readonly debugged: unknown[] = []
  readonly logged: string[] = []
  /** Characters of what debug() was given. */
  #traced = 0

  readonly #options: ScanOptions
  readonly #program: Program
  readonly #tree: GroupTree
  readonly #cells: Cells[] = []
  #rowsUsed = 0
  #eachAt = 0
  /** The slice is over: no further person is begun. */
  isLate = false
  #sliceEnd = Number.POSITIVE_INFINITY
  #steps = 0
  /** The person whose steps were counted. */
  #stepsOf = 0
  #spent = 0
  #capacity = 0
  /** No row is scanned any more: what only tallies look at needs no room for more nodes. */
  #isOver = false

  constructor(program: Program, options: ScanOptions) {
    super(program.text, options.limits.memoryMax)
    this.#program = program
    this.#options = options
    this.now = options.now
    this.each = options.each ?? []
    this.pool = new KeyPool(options.limits)
    this.#tree = new GroupTree(options.limits)
    const texts = new HeldTexts(options.limits)
    const ofScript = program.aggregates.map((aggregate) => accumulatorOf(aggregate, texts))
    this.accumulators = program.mode === 'histogram' ? [new Counts()] : ofScript
    this.#grow()
  }

  // --- people and budgets ---

  /** Begins with the next person, or the next value for the same person: gives the serial number of the person. */
  next(each: number): number {
    this.#spent = 0
    this.depth = 0
    this.resetMemory()
    this.#eachAt = each
    if (each === 0 && (++this.serial & (peoplePerLook - 1)) === 0) this.look()
    else if (each > 0) this.#stepsOf = 0
    return this.serial
  }

  beginSlice(): void {
    this.isLate = false
    this.#sliceEnd = performance.now() + (this.#options.sliceMs ?? Number.POSITIVE_INFINITY)
  }

  /** Ends a scan that was cancelled, and a slice that is over. Called for every so manieth person and step. */
  look(): void {
    const { cancel } = this.#options
    if (cancel && Atomics.load(cancel, 0) !== 0) throw new PyqlError('cancelled', 'The query was cancelled.')
    if (performance.now() > this.#sliceEnd) this.isLate = true
  }

  /** More steps, when the budget of the person and the query allow it. */
  refuel(fuel: number): number {
    this.look()
    if (this.#stepsOf !== this.serial) this.#steps = 0
    this.#stepsOf = this.serial
    this.#steps += fuelPerStop - fuel
    const { stepsMax } = this.#options.limits
    if (this.#steps - fuelPerStop > stepsMax) {
      throw this.fail(-1, `The script took more than ${stepsMax} steps for one person.`, 'limit')
    }
    return fuelPerStop
  }

  protected override spend(steps: number): void {
    this.#spent += steps
    if (this.#spent < fuelPerStop) return
    this.refuel(fuelPerStop - this.#spent)
    this.#spent = 0
  }

  enter(at: number): void {
    const { depthMax } = this.#options.limits
    if (++this.depth > depthMax) throw this.fail(at, `Functions call each other deeper than ${depthMax}.`, 'limit')
  }

  position(x: number, start: number, end: number, at: number): number {
    const row = Math.trunc(x)
    if (row >= 0 && row < end - start) return start + row
    throw this.fail(at, `There is no row ${row}; this person has ${end - start}, from 0 on.`)
  }

  /** Numbers the sessions of a person from 1. */
  numberSessions(stamp: Float64Array, start: number, end: number): void {
    if (this.sessions.length < end - start) this.sessions = new Int32Array(2 * (end - start))
    let session = 1
    for (let row = start; row < end; row++) {
      if (row > start && stamp[row]! - stamp[row - 1]! > this.#options.sessionTime) session++
      this.sessions[row - start] = session
    }
  }

  // --- columns ---

  /** The data of a column; all None where the block does not have it. */
  column(block: ScanBlock, slot: number): ColumnData {
    return block.columns[slot] ?? absentColumn(this.#program.columns[slot]!, block.rows)
  }

  codeOf(block: ScanBlock, slot: number, text: string): number {
    const column = block.columns[slot]
    return column && 'dictionary' in column ? column.dictionary.codeOf(text) : -1
  }

  /** The rows of a block in which a column equals a value, or does not; undefined where each is better looked at. */
  rowsWhere(block: ScanBlock, slot: number, test: RowTest, value: number): RowBits | undefined {
    const column = block.columns[slot]
    const mark = column && block.remember && rowMarker(column, test, value)
    if (!mark) return undefined
    const bits = block.remember!(slot, `${test} ${value}`, mark)
    return partOf(bits, block.rows) > lookedAtAbove ? undefined : bits
  }

  /** The rows that `rowsWhere` found by themselves, where the block has them so and they are few. */
  picked(
    block: ScanBlock,
    slot: number,
    test: RowTest,
    value: number,
    bits: RowBits | undefined,
  ): PickedRows | undefined {
    if (!bits || partOf(bits, block.rows) > pickedBelow) return undefined
    return block.pick?.(slot, `${test} ${value}`, bits)
  }

  /** By place what a column holds of picked rows; `all` is what it holds of all rows of the block. */
  pickedColumn(
    block: ScanBlock,
    picked: PickedRows | undefined,
    slot: number,
    all: Codes | Float64Array,
  ): Codes | Float64Array {
    if (!picked) return all
    if (block.columns[slot]) return picked.column(slot)
    return scalarsOf(absentColumn(this.#program.columns[slot]!, picked.rows.length))
  }

  /** By code, 1 for the texts that are asked for; None is code 0. */
  among(block: ScanBlock, slot: number, values: readonly (string | null)[]): Uint8Array {
    const column = block.columns[slot]
    const among = new Uint8Array(column && 'dictionary' in column ? column.dictionary.size + 1 : 1)
    for (const value of values) {
      const code = value === null ? 0 : this.codeOf(block, slot, value)
      if (code >= 0) among[code] = 1
    }
    return among
  }

  textSet(offsets: Uint32Array, codes: Codes, dictionary: Dictionary, row: number): Value {
    return this.#setColumn(offsets, row, (i) => dictionary.textOf(codes[i]!))
  }

  numberSet(offsets: Uint32Array, values: Float64Array, row: number): Value {
    return this.#setColumn(offsets, row, (i) => this.int(values[i]!))
  }

  doubleSet(offsets: Uint32Array, values: Float64Array, row: number): Value {
    return this.#setColumn(offsets, row, (i) => this.double(values[i]!))
  }

  flagSet(offsets: Uint32Array, values: Uint8Array, row: number): Value {
    return this.#setColumn(offsets, row, (i) => values[i] === 2)
  }

  #setColumn(offsets: Uint32Array, row: number, element: (i: number) => Value): Value {
    const items: Value[] = []
    for (let i = offsets[row]!; i < offsets[row + 1]!; i++) items.push(element(i))
    return this.set(items, -1)
  }

  // --- groups ---

  child(parent: number, key: number): number {
    const node = this.#tree.child(parent, key)
    if (this.#tree.capacity !== this.#capacity) this.#grow()
    return node
  }

  get isEmpty(): boolean {
    return this.#tree.size === 1
  }

  newChildren(parents: Int32Array, keys: Int32Array): number {
    const node = this.#tree.append(parents, keys)
    if (this.#tree.capacity !== this.#capacity) this.#grow()
    return node
  }

  #grow(): void {
    this.#capacity = this.#tree.capacity
    for (const accumulator of this.accumulators) accumulator.grow(this.#capacity)
    if (this.#isOver) return
    const last = new Int32Array(this.#capacity)
    last.set(this.last)
    this.last = last
    const rows = new Int32Array(this.#capacity)
    rows.set(this.rows)
    this.rows = rows
  }

  newSeen(): Seen {
    return new Seen()
  }

  newSite(): Site {
    return new Site()
  }

  newCells(constants: readonly (Scalar | undefined)[], fields: readonly CellField[]): Cells {
    const cells = new Cells(this, constants, fields)
    this.#cells.push(cells)
    return cells
  }

  groupKey(key: Scalar): number {
    return this.pool.of(key)
  }

  /** The node of a text below a node, which the site remembers. */
  codeNode(site: Site, places: Int32Array, dictionary: Dictionary, code: number, parent: number): number {
    let place = places[code]!
    const key = place > 0 ? site.keys[place]! : this.pool.text(dictionary.textOf(code))
    if (place === 0) place = places[code] = site.placeOf(key)
    const node = this.child(parent, key)
    site.set(this.#rowOf(parent), place, node)
    return node
  }

  #rowOf(parent: number): number {
    if (this.rows[parent] === 0) this.rows[parent] = ++this.#rowsUsed
    return this.rows[parent]!
  }

  /** What can be a group or a result: None for containers. */
  scalar(x: Value): Scalar {
    return this.keyOf(x) ?? null
  }

  /** The value of a histogram for this person: counted below the value of foreach, if there is one, once for each node. */
  record(x: Value, at: number): void {
    if (x === null) return
    if (x instanceof List || x instanceof SetOf)
      throw this.fail(at, 'A histogram is made of numbers; this is a container.')
    const number = typeof x === 'string' ? 0 : this.number(x)
    if (Number.isNaN(number)) throw this.fail(at, 'A histogram is made of numbers; this is none.')
    let node = this.child(0, this.pool.text(''))
    this.#countPerson(node)
    if (this.each.length > 0) {
      node = this.child(node, this.pool.of(this.each[this.#eachAt]!))
      this.#countPerson(node)
    }
    this.#countPerson(this.child(node, this.pool.number(this.#bucketOf(number))))
  }

  #bucketOf(number: number): number {
    const { bucket, max = Number.POSITIVE_INFINITY } = this.#options
    if (number >= max) return max
    return bucket ? bucketOf(number, bucket) : number
  }

  #countPerson(node: number): void {
    if (this.last[node] === this.serial) return
    this.last[node] = this.serial
    const counts = this.accumulators[0] as Counts
    counts.n[node]!++
  }

  // --- messages ---

  debug(x: Value): void {
    const { trace, limits } = this.#options
    if (!trace || this.debugged.length >= limits.traceMax) return
    const value = this.plain(x)
    this.#traced += JSON.stringify(value ?? null).length
    if (this.#traced > limits.charactersMax) throw tooLong(limits.charactersMax)
    this.debugged.push(value)
  }

  log(args: Value[]): void {
    if (this.logged.length >= this.#options.limits.traceMax) return
    const line = args.map((arg) => this.str(arg)).join('')
    this.logged.push(apart(line.slice(0, textShownMax), line))
  }

  emit(message: Value): void {
    this.#emitted.push(this.#message(message))
  }

  schedule(after: Value, entry: string, at: number): void {
    const afterMs = typeof after === 'string' ? readNumber(after) : this.number(after)
    if (!(afterMs >= 0 && afterMs <= scheduleMax))
      throw this.fail(at, "'schedule' takes a number of milliseconds from now, at most a thousand years.")
    this.#scheduled.push({ afterMs, entry })
  }

  /** Ends a trigger's turn for a person; `error`: what stopped the script. */
  endPerson(person: string | number, error: unknown): void {
    if (error !== undefined && !(error instanceof PyqlError && error.kind !== 'cancelled')) throw error
    const told = { person, emitted: this.#emitted, scheduled: this.#scheduled, log: this.logged.splice(0) }
    const returned = error === undefined ? this.#message(this.returned) : null
    this.outcomes.push({ ...told, returned, ...(error !== undefined && { error: toldOf(error as PyqlError) }) })
    this.returned = null
    this.#emitted = []
    this.#scheduled = []
  }

  /** A message is a single value; containers are written out. */
  #message(x: Value): Scalar {
    const message = x === null ? null : (this.keyOf(x) ?? this.str(x))
    if (typeof message !== 'string') return message
    return apart(message.slice(0, this.#options.messageCharactersMax), message)
  }

  partial(): PartialResult {
    this.#isOver = true
    for (const cells of this.#cells) cells.end()
    const { size, parent, key } = this.#tree
    return {
      keys: this.pool.keys,
      parent: firstOf(parent, size),
      key: firstOf(key, size),
      columns: this.accumulators.map((accumulator) => accumulator.columns(size)),
      debug: this.debugged,
      log: this.logged,
    }
  }
}

export function accumulatorOf({ kind, type, carried }: Aggregate, texts: HeldTexts): Accumulator {
  if (kind === 'val') return new LastValues(texts)
  if (kind === 'var') return carried ? new CarriedValues(texts) : new Counts()
  if (kind === 'sum' || kind === 'avg') return new Sums(kind === 'avg')
  if (kind === 'count') return new Counts()
  return type === 'text' || type === 'bool' ? new ScalarExtremes(kind === 'max', texts) : new Extremes(kind === 'max')
}

const noTexts: Dictionary = { codeOf: () => -1, textOf: () => '', size: 0 }

function scalarsOf(column: ColumnData): Codes | Float64Array {
  return 'codes' in column ? column.codes : column.values
}

/** A column that was added after the block was written. */
function absentColumn({ type, isSet }: TableColumn, rows: number): ColumnData {
  const offsets = new Uint32Array(isSet ? rows + 1 : 0)
  if (type === 'text') {
    const codes = new Uint8Array(isSet ? 0 : rows)
    return isSet
      ? { kind: 'text_set', offsets, codes, dictionary: noTexts }
      : { kind: 'text', codes, dictionary: noTexts }
  }
  if (type === 'bool') {
    const values = new Uint8Array(isSet ? 0 : rows)
    return isSet ? { kind: 'bool_set', offsets, values } : ({ kind: 'bool', values } satisfies BoolColumn)
  }
  const values = new Float64Array(isSet ? 0 : rows).fill(Number.NaN)
  return isSet ? { kind: 'number_set', offsets, values } : { kind: 'number', values }
}

/** With the line of the script: whoever reads of it has no picture. */
function toldOf({ message, place }: PyqlError): string {
  return place ? `Line ${place.line}: ${message}` : message
}
