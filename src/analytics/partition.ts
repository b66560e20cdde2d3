import { assert } from '../lib/index.js'
import type { BinaryEnvironment, Write } from '../storage/index.js'
import type { Batch } from './batch.js'
import { type BlockEntry, blockOf } from './block-entry.js'
import type { ColumnValues, Scalars } from './codec.js'
import type { ColumnCache } from './column-cache.js'
import { copyRows, Delta, type DeltaOrder } from './delta.js'
import { GrownBlock } from './grown-block.js'
import { Kind, key, kindStart, majorOf } from './keys.js'
import { decodePart, encodePart, type Part } from './part.js'
import { PartitionInsert } from './partition-insert.js'
import { People } from './people.js'
import { hashesOf, hashOfCell, hashOfEvent } from './row-hash.js'
import { ACTION, type EventTable, PERSON, type PersonId, STAMP, type Storage, storageOf } from './schema.js'
import { StoredBlocks } from './stored-blocks.js'
import { type Numberings, Texts } from './texts.js'
import { translate } from './translate.js'

interface State {
  readonly format: 1
  readonly nextBlock: number
  readonly nextLog: number
  readonly logFrom: number
  readonly blocks: readonly (readonly [id: number, first: number, people: number, rows: number, folded: number])[]
}

/** What a scan holds on to: none of it changes while it runs. */
export interface Snapshot {
  readonly partition: Partition
  readonly blocks: readonly BlockEntry[]
  readonly delta: Delta
  readonly deltaRows: number
  /** Rows in all. */
  readonly rows: number
  readonly people: number
  /** Found when it is asked for: blocks that grow do without. */
  readonly order: DeltaOrder
  readonly rank: Uint32Array
}

/** Counts the scans of a partition, also those that began before it was read again from what is stored. */
export interface Readers {
  count: number
}

/**
 * One partition of an event table: its people, its texts, its blocks and its delta. Lives in the worker that owns its
 * environment; everything durable is in one range of keys.
 */
export class Partition {
  readonly table: number
  readonly number: number
  readonly environment: BinaryEnvironment
  /** What lies in the environment of its blocks. */
  readonly stored: StoredBlocks
  readonly #numberings: Numberings
  readonly #texts = new Map<number, Texts>()
  readonly #people = new People()
  readonly #grown = new Map<number, GrownBlock>()
  #schema: EventTable
  #rank = new Uint32Array(16)
  #ranked = 0
  readonly #readers: Readers
  #retired: Write[] = []
  delta = new Delta()
  blocks: readonly BlockEntry[] = []
  nextBlock = 1
  nextLog = 1
  logFrom = 1
  /** Rows in all. */
  rows = 0
  /** Counts every accepted row; with the start it tells whether a stored segment still tells the truth. */
  lastInsertAt = 0

  constructor(
    environment: BinaryEnvironment,
    schema: EventTable,
    number: number,
    cache: ColumnCache,
    numberings: Numberings,
    readers: Readers,
  ) {
    this.environment = environment
    this.#readers = readers
    this.table = schema.id
    this.number = number
    this.#schema = schema
    this.stored = new StoredBlocks(environment, schema.id, number, cache)
    this.#numberings = numberings
    this.#load()
  }

  get people(): number {
    return this.#people.size
  }

  get schema(): EventTable {
    return this.#schema
  }

  /** The person's number, or undefined when nobody of that id is here. */
  numberOf(person: PersonId): number | undefined {
    return this.#people.numberOf(person)
  }

  idOf(person: number): PersonId {
    return this.#people.idOf(person)
  }

  texts(column: number): Texts {
    let texts = this.#texts.get(column)
    if (!texts) {
      texts = new Texts(this.#numberings.of(column))
      this.#texts.set(column, texts)
    }
    return texts
  }

  /** Takes a newer schema. Rows that differed in a dropped column alone count as repeats of each other from now on. */
  useSchema(schema: EventTable): void {
    if (schema.version === this.#schema.version) return
    const live = new Set(schema.columns.map((column) => column.id))
    for (const { id } of this.#schema.columns)
      if (!live.has(id)) this.#retired.push(...this.blocks.map((block) => this.stored.removalOf(block, id)))
    const dropped = [...this.delta.columns.keys()].filter((id) => !live.has(id))
    this.#schema = schema
    if (dropped.length === 0) return
    // Scans under way keep the delta that they know.
    this.#endGrown()
    this.delta = this.delta.tail(0)
    for (const id of dropped) {
      this.delta.columns.delete(id)
    }
    this.delta.rehash((row) => this.#hashOfDeltaRow(row))
  }

  /** Adds the rows of a batch that belong here, and says what became of their events. */
  insert(
    batch: Batch,
    rows: Uint32Array,
    rowsPerPersonMax: number,
    fate: (event: number, fate: number) => void,
  ): Write[] {
    const part = translate(batch, rows, (column) => this.texts(column))
    const base = this.delta.rows
    const accepted = new PartitionInsert(this, this.#people, { batch, rows, part, rowsPerPersonMax }).run(fate)
    if (accepted.length === 0) return []
    this.#copyColumns(part, accepted, base)
    this.rows += accepted.length
    this.lastInsertAt = Date.now()
    return [...this.#freshTexts(), ...this.#freshPeople(), this.#logWrite(base)]
  }

  /** Events of a batch whose person would get too many rows, repeats not considered. */
  tooMany(batch: Batch, rows: Uint32Array, rowsPerPersonMax: number): number[] {
    const more = new Map<PersonId, number>()
    const events = new Set<number>()
    for (const row of rows) {
      const id = batch.people[batch.person[row]!]!
      const count = (more.get(id) ?? 0) + 1
      more.set(id, count)
      const number = this.#people.numberOf(id)
      if (count + (number === undefined ? 0 : this.#people.rowCount[number]!) > rowsPerPersonMax)
        events.add(batch.event[row]!)
    }
    return [...events]
  }

  /** A state to scan, until it is released. */
  snapshot(): Snapshot {
    const people = this.people
    const rank = this.rank()
    this.#readers.count++
    const { blocks, delta, rows } = this
    const deltaRows = delta.rows
    let order: DeltaOrder | undefined
    return {
      ...{ partition: this, blocks, delta, deltaRows, rows, people, rank },
      get order() {
        order ??= delta.order(deltaRows, people, rank)
        return order
      },
    }
  }

  get isRead(): boolean {
    return this.#readers.count > 0
  }

  release(): void {
    this.#readers.count--
    assert(this.#readers.count >= 0, 'a snapshot is released once')
  }

  /** Removals of blocks that nobody reads any more. */
  takeRetired(): Write[] {
    if (this.isRead) return []
    const retired = this.#retired
    this.#retired = []
    return retired
  }

  /** Takes removals back that could not be stored. */
  takeBack(removals: readonly Write[]): void {
    this.#retired.push(...removals)
  }

  /** Removes a block from the environment once the scans that may read it have ended. */
  retire(block: BlockEntry): void {
    this.#grown.get(block.id)?.end()
    this.#grown.delete(block.id)
    this.#retired.push(...this.stored.removalsOf(block))
  }

  /** A block with the fresh rows that a snapshot has of its people, unless they must be merged for that snapshot alone. */
  grown(block: BlockEntry, { delta, deltaRows, rank }: Snapshot): GrownBlock | undefined {
    if (delta !== this.delta || blockOf(this.blocks, block.first)?.id !== block.id) return undefined
    let grown = this.#grown.get(block.id)
    if (!grown) {
      grown = new GrownBlock({
        block,
        delta,
        rows: this.stored.rowsOf(block),
        stored: (id, width) => this.stored.column(block, id, width) as Scalars | undefined,
        taken: (id, width) => this.stored.take(block, id, width) as Scalars | undefined,
        kept: (id, name, make) => this.stored.remember(block, id, name, make),
        forgotten: (id, name) => this.stored.forget(block, id, name),
      })
      this.#grown.set(block.id, grown)
    }
    return grown.grow(deltaRows, rank) ? grown : undefined
  }

  /** Whether a block in memory has fresh rows of its people. */
  hasGrown(block: BlockEntry, delta: Delta): boolean {
    return delta === this.delta && this.#grown.has(block.id)
  }

  #endGrown(): void {
    for (const grown of this.#grown.values()) grown.end()
    this.#grown.clear()
  }

  /** Rank by code of the action. */
  rank(): Uint32Array {
    const actions = this.texts(ACTION)
    if (this.#ranked === actions.size && this.#ranked > 0) return this.#rank
    const listed = new Map(this.#schema.zOrder.map((action, rank) => [action, rank]))
    if (this.#rank.length <= actions.size) {
      const larger = new Uint32Array(actions.size * 2 + 16)
      larger.set(this.#rank)
      this.#rank = larger
    }
    for (let code = this.#ranked + 1; code <= actions.size; code++) {
      this.#rank[code] = listed.get(actions.textOf(code)) ?? listed.size
    }
    this.#ranked = actions.size
    return this.#rank
  }

  /** The state as it will be stored. */
  stateWrite(blocks: readonly BlockEntry[] = this.blocks): Write {
    const state: State = {
      format: 1,
      nextBlock: this.nextBlock,
      nextLog: this.nextLog,
      logFrom: this.logFrom,
      blocks: blocks.map(({ id, first, people, rows, folded }) => [id, first, people, rows, folded]),
    }
    return [key(this.table, this.number, Kind.state), Buffer.from(JSON.stringify(state))]
  }

  /** Drops the first rows of the delta, which all blocks hold by now, and the log of them. */
  forget(rows: number, logBefore: number): Write[] {
    const writes: Write[] = []
    for (let log = this.logFrom; log < logBefore; log++) {
      writes.push([key(this.table, this.number, Kind.log, log), undefined])
    }
    this.logFrom = logBefore
    this.#endGrown()
    this.delta = this.delta.tail(rows)
    this.blocks = this.blocks.map((block) => ({ ...block, foldedRows: Math.max(0, block.foldedRows - rows) }))
    return writes
  }

  #copyColumns(part: Part, accepted: readonly number[], base: number): void {
    const all = accepted.length === part.rows
    for (const column of part.columns) {
      const target = this.delta.column(column, column.storage)
      if (all) copyRows(column.values, target, 0, part.rows, base)
      else
        for (let at = 0; at < accepted.length; at++)
          copyRows(column.values, target, accepted[at]!, accepted[at]! + 1, base + at)
    }
  }

  #logWrite(from: number): Write {
    const { delta } = this
    const columns: [number, ColumnValues][] = [
      [PERSON, delta.person],
      [STAMP, delta.stamp],
      [ACTION, delta.action],
    ]
    for (const [id, column] of delta.columns) columns.push([id, column.values(delta.rows)])
    return [key(this.table, this.number, Kind.log, this.nextLog++), encodePart(columns, from, delta.rows)]
  }

  #freshTexts(): Write[] {
    const writes: Write[] = []
    for (const [id, texts] of this.#texts) {
      const fresh = texts.fresh()
      if (fresh) writes.push([key(this.table, this.number, Kind.texts, id, fresh.first), toJson(fresh.texts)])
    }
    return writes
  }

  #freshPeople(): Write[] {
    const fresh = this.#people.fresh()
    return fresh ? [[key(this.table, this.number, Kind.people, 0, fresh.first), toJson(fresh.ids)]] : []
  }

  #hashOfDeltaRow(row: number): number {
    const { delta } = this
    let hash = hashOfEvent(delta.person[row]!, delta.stamp[row]!, delta.action[row]!)
    for (const [id, column] of delta.columns) hash = (hash + hashOfCell(id, column.values(delta.rows), row)) >>> 0
    return hash >>> 0
  }

  #range(kind: number): Iterable<{ key: Buffer; value: Buffer }> {
    return this.environment.range(
      kindStart(this.table, this.number, kind),
      kindStart(this.table, this.number, kind + 1),
    )
  }

  #load(): void {
    const stored = this.environment.get(key(this.table, this.number, Kind.state))
    for (const { key: at, value } of this.#range(Kind.texts)) this.texts(majorOf(at)).load(fromJson(value))
    for (const { value } of this.#range(Kind.people)) this.#people.load(fromJson<PersonId>(value))
    if (stored) this.#loadState(JSON.parse(stored.toString()) as State)
    this.#loadLog()
  }

  #loadState(state: State): void {
    this.nextBlock = state.nextBlock
    this.nextLog = state.nextLog
    this.logFrom = state.logFrom
    this.blocks = state.blocks.map(([id, first, people, rows, folded]) => ({
      id,
      first,
      people,
      rows,
      folded,
      foldedRows: 0,
    }))
    for (const block of this.blocks) {
      const { rowStart, lastStamp } = this.stored.rowsOf(block)
      this.#people.lastStamp.set(lastStamp, block.first)
      for (let person = 0; person < block.people; person++) {
        this.#people.rowCount[block.first + person] = rowStart[person + 1]! - rowStart[person]!
      }
      this.rows += block.rows
    }
    this.#sweep()
  }

  /** Blocks that no state names: a stop came between writing a block anew and removing the old one. */
  #sweep(): void {
    const live = new Set(this.blocks.map((block) => block.id))
    for (const stored of this.environment.keys(
      kindStart(this.table, this.number, Kind.block),
      kindStart(this.table, this.number, Kind.block + 1),
    )) {
      if (!live.has(majorOf(stored))) this.#retired.push([Buffer.from(stored), undefined])
    }
  }

  /** The log since the last fold. Rows that their person's block already holds are left out. */
  #loadLog(): void {
    const storages = new Map<number, Storage>(this.#schema.columns.map(({ id, type }) => [id, storageOf(type)]))
    for (const { key: at, value } of this.#range(Kind.log)) {
      const log = majorOf(at)
      this.nextLog = Math.max(this.nextLog, log + 1)
      if (log < this.logFrom) {
        this.#retired.push([Buffer.from(at), undefined])
        continue
      }
      this.#replay(
        log,
        decodePart(value, (id) => storages.get(id)),
      )
    }
  }

  #replay(log: number, part: Part): void {
    const rows: number[] = []
    const hashes = hashesOf(part)
    const base = this.delta.rows
    for (let row = 0; row < part.rows; row++) {
      const person = part.person[row]!
      const block = blockOf(this.blocks, person)
      if (block && log < block.folded) continue
      const stamp = part.stamp[row]!
      const action = part.action[row]!
      this.delta.append(person, stamp, action, (hashes[row]! + hashOfEvent(person, stamp, action)) >>> 0)
      this.#people.rowCount[person]!++
      if (stamp > this.#people.lastStamp[person]!) this.#people.lastStamp[person] = stamp
      rows.push(row)
    }
    this.rows += rows.length
    this.#copyColumns(part, rows, base)
  }
}

function toJson(values: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(values))
}

function fromJson<T extends PersonId = string>(bytes: Buffer): T[] {
  return JSON.parse(bytes.toString()) as T[]
}
