import type { ColumnData, Dictionary, ScanBlock } from '../pyql/index.js'
import type { BlockEntry } from './block-entry.js'
import { type ColumnValues, isSet, type Scalars, type SetValues } from './codec.js'
import type { GrownBlock } from './grown-block.js'
import { hasFresh, inWidth, type MergePlan, mergeScalars, mergeSets, planMerge } from './merge.js'
import type { Partition, Snapshot } from './partition.js'
import { isAskedAgain, StoredPick } from './picked-rows.js'
import { ACTION, type EventColumn, STAMP, type Storage, storageOf } from './schema.js'

/** Neighbouring people that are read together: those of a block, or some that are in the delta only. */
export interface Unit {
  readonly first: number
  readonly people: number
  readonly block: BlockEntry | undefined
}

/** Rows of the delta that make a unit, where there is no block yet. */
const TAIL_ROWS = 32_768

/** The units of a snapshot, people in the order of their numbers. */
export function* unitsOf(snapshot: Snapshot): Iterable<Unit> {
  const { blocks, people } = snapshot
  let first = 0
  for (const block of blocks) {
    yield { first: block.first, people: block.people, block }
    first = block.first + block.people
  }
  while (first < people) {
    const { order } = snapshot
    let end = first + 1
    while (end < people && order.start[end + 1]! - order.start[first]! <= TAIL_ROWS) end++
    yield { first, people: end - first, block: undefined }
    first = end
  }
}

/** Rows of a unit: fresh rows merged in by `plan` where there are any. */
export interface UnitRows {
  readonly rowStart: Uint32Array
  readonly plan: MergePlan | undefined
}

/** Arrays that are used again for every unit, so that a scan does not fill the heap. One unit at a time. */
export class Scratch {
  readonly #arrays = new Map<string, Scalars>()

  take<T extends Scalars>(name: string, like: new (length: number) => T, length: number): T {
    const key = `${name}/${like.name}`
    let array = this.#arrays.get(key) as T | undefined
    if (!array || array.length < length) {
      array = new like(Math.max(length + (length >> 2), 1024))
      this.#arrays.set(key, array)
    }
    return array.length === length ? array : (array.subarray(0, length) as T)
  }

  /** An array of nothing but None, at least as long. Never written to. */
  none<T extends Scalars>(like: new (length: number) => T, length: number): T {
    const key = `none/${like.name}`
    let array = this.#arrays.get(key) as T | undefined
    if (!array || array.length < length) {
      array = new like(length + 1024)
      if (array instanceof Float64Array) array.fill(NaN)
      this.#arrays.set(key, array)
    }
    return array
  }
}

type Constructor = Uint8ArrayConstructor | Uint16ArrayConstructor | Uint32ArrayConstructor | Float64ArrayConstructor
type Maker = new (length: number) => Scalars

const NOBODY = new Uint32Array(1)
const NO_STAMPS = new Float64Array(0)

export function rowsOfUnit(snapshot: Snapshot, unit: Unit): UnitRows {
  const { partition, order, delta, deltaRows, rank } = snapshot
  const { block } = unit
  const from = block?.foldedRows ?? 0
  const rows = block ? partition.stored.rowsOf(block) : { rowStart: NOBODY, lastStamp: NO_STAMPS }
  if (block && unit.people === block.people && !hasFresh(order, unit.first, unit.people, from, deltaRows)) {
    return { rowStart: rows.rowStart, plan: undefined }
  }
  const plan = planMerge({
    first: unit.first,
    people: unit.people,
    blockPeople: block?.people ?? 0,
    blockRowStart: rows.rowStart,
    blockLastStamp: rows.lastStamp,
    blockStamp: () => partition.stored.column(block!, STAMP) as Float64Array,
    blockAction: () => partition.stored.column(block!, ACTION) as Scalars,
    delta,
    order,
    from,
    to: deltaRows,
    rank,
  })
  return { rowStart: plan.rowStart, plan }
}

/** The stamps of a unit's rows. */
export function stampsOfUnit(snapshot: Snapshot, { block }: Unit, { plan }: UnitRows, scratch: Scratch): Float64Array {
  const stored = block ? (snapshot.partition.stored.column(block, STAMP) as Float64Array) : NO_STAMPS
  if (!plan) return stored
  const stamp = scratch.take('stamp', Float64Array, plan.rows)
  mergeScalars(stamp, stored, snapshot.delta.stamp, plan)
  return stamp
}

/** A column of a unit, or undefined when it holds nothing but None. Codes come in the width of the column's texts. */
export function columnOfUnit(
  snapshot: Snapshot,
  unit: Unit,
  plan: MergePlan | undefined,
  column: EventColumn,
  scratch: Scratch,
): ColumnValues | undefined {
  const { partition, delta, deltaRows } = snapshot
  const storage = storageOf(column.type)
  const width = storage === 'text' ? partition.texts(column.id).width : 0
  const block = unit.block && partition.stored.column(unit.block, column.id, width)
  if (!plan) return block
  const fresh = column.id === ACTION ? delta.action : delta.columns.get(column.id)?.values(deltaRows)
  if (!block && !fresh) return undefined
  const make = makerOf(storage, width) as Maker
  if (column.isSet) {
    return mergeSets(block as SetValues | undefined, fresh as SetValues | undefined, plan, (length) =>
      scratch.take(`elements ${column.id}`, make, length),
    )
  }
  const into = scratch.take(`column ${column.id}`, make, plan.rows)
  const least = unit.block?.rows ?? 0
  mergeScalars(
    into,
    (block as Scalars | undefined) ?? scratch.none(make, least),
    (fresh as Scalars | undefined) ?? scratch.none(storage === 'text' ? Uint32Array : (make as Maker), deltaRows),
    plan,
  )
  return into
}

/** What compiled programs scan of a unit. Stamps are read when they are asked for. */
abstract class UnitBlock implements ScanBlock {
  readonly people: number
  readonly personNumber: Uint32Array
  abstract readonly rows: number
  abstract readonly rowStart: Uint32Array
  abstract readonly rowEnd: Uint32Array
  abstract readonly columns: readonly (ColumnData | undefined)[]
  abstract readonly stamp: Float64Array
  readonly #partition: Partition
  readonly #first: number

  constructor({ partition }: Snapshot, { first, people }: Unit, scratch: Scratch) {
    this.people = people
    this.personNumber = scratch.take('person', Uint32Array, people)
    for (let person = 0; person < people; person++) this.personNumber[person] = first + person
    this.#partition = partition
    this.#first = first
  }

  personId(index: number): string | number {
    return this.#partition.idOf(this.#first + index)
  }

  /** What a column that is no set holds, with a name by which copies of it are kept. */
  protected named({ id }: EventColumn, column: ColumnData): { name: string; values: Scalars } {
    return { name: `of ${id}`, values: 'codes' in column ? column.codes : column.values }
  }
}

/** As it is stored, or merged for this scan alone. */
class ReadBlock extends UnitBlock {
  readonly rows: number
  readonly rowStart: Uint32Array
  readonly rowEnd: Uint32Array
  readonly columns: readonly (ColumnData | undefined)[]
  readonly remember: ScanBlock['remember']
  readonly pick: ScanBlock['pick']
  readonly #stamp: () => Float64Array

  constructor(snapshot: Snapshot, unit: Unit, columns: readonly (EventColumn | undefined)[], scratch: Scratch) {
    super(snapshot, unit, scratch)
    const rows = rowsOfUnit(snapshot, unit)
    this.rowStart = rows.rowStart
    this.rowEnd = rows.rowStart.subarray(1)
    this.rows = rows.rowStart[unit.people]!
    this.columns = columns.map(
      (column) =>
        column && columnData(snapshot.partition, column, columnOfUnit(snapshot, unit, rows.plan, column, scratch)),
    )
    const { block } = unit
    this.remember =
      block && !rows.plan
        ? (slot, name, mark) =>
            snapshot.partition.stored.remember(block, columns[slot]!.id, name, () => {
              const bits = new Uint32Array((this.rows + 31) >>> 5)
              mark(bits, 0, this.rows)
              return bits
            })
        : undefined
    this.pick =
      block && !rows.plan
        ? (slot, name, bits) => {
            if (!isAskedAgain(bits)) return undefined
            const columnOf = (own: number) => this.named(columns[own]!, this.columns[own]!)
            return new StoredPick(bits, this.rowStart, columnOf, (what, make) =>
              snapshot.partition.stored.remember(block, columns[slot]!.id, `${name} picked ${what}`, make),
            )
          }
        : undefined
    this.#stamp = () => stampsOfUnit(snapshot, unit, rows, scratch)
  }

  get stamp(): Float64Array {
    return this.#stamp()
  }
}

/** A block in memory, to which fresh rows are added as scans ask for them. */
class GrowingBlock extends UnitBlock {
  readonly rows: number
  readonly rowStart: Uint32Array
  readonly rowEnd: Uint32Array
  readonly columns: readonly (ColumnData | undefined)[]
  readonly remember: NonNullable<ScanBlock['remember']>
  readonly pick: NonNullable<ScanBlock['pick']>
  readonly #stamp: () => Float64Array

  constructor(
    snapshot: Snapshot,
    unit: Unit,
    grown: GrownBlock,
    columns: readonly (EventColumn | undefined)[],
    scratch: Scratch,
  ) {
    super(snapshot, unit, scratch)
    const { partition, delta, deltaRows } = snapshot
    this.rows = grown.rows
    this.rowStart = grown.rowStart
    this.rowEnd = grown.rowEnd
    const none = scratch.none.bind(scratch)
    this.columns = columns.map((column) => {
      if (!column) return undefined
      const storage = storageOf(column.type)
      const width = storage === 'text' ? partition.texts(column.id).width : 0
      const make = makerOf(storage, width) as Maker
      const known = column.id === ACTION ? delta.action : delta.columns.get(column.id)?.values(deltaRows)
      if (!known && !grown.hasStored(column.id, width)) return undefined
      const fresh = (known as Scalars | undefined) ?? none(storage === 'text' ? Uint32Array : make, deltaRows)
      return columnData(partition, column, grown.column({ id: column.id, width, fresh, make, none }))
    })
    this.remember = (slot, name, mark) => grown.bits(columns[slot]!.id, name, mark)
    this.pick = (slot, name, bits) =>
      grown.pick(columns[slot]!.id, name, bits, (own) => this.named(columns[own]!, this.columns[own]!))
    this.#stamp = () =>
      grown.column({ id: STAMP, width: 0, fresh: delta.stamp, make: Float64Array, none }) as Float64Array
  }

  get stamp(): Float64Array {
    return this.#stamp()
  }
}

/** Whether people of a block have rows that it lacks. */
export function hasFreshRows(snapshot: Snapshot, block: BlockEntry): boolean {
  const { partition, delta, deltaRows } = snapshot
  if (partition.hasGrown(block, delta)) return true
  return (
    deltaRows > block.foldedRows && hasFresh(snapshot.order, block.first, block.people, block.foldedRows, deltaRows)
  )
}

export function scanBlock(
  snapshot: Snapshot,
  unit: Unit,
  columns: readonly (EventColumn | undefined)[],
  scratch: Scratch,
): ScanBlock {
  const { block } = unit
  const { partition } = snapshot
  const grows =
    block && unit.people === block.people && columns.every((column) => !column?.isSet) && hasFreshRows(snapshot, block)
  const grown = grows ? partition.grown(block, snapshot) : undefined
  return grown
    ? new GrowingBlock(snapshot, unit, grown, columns, scratch)
    : new ReadBlock(snapshot, unit, columns, scratch)
}

function columnData(
  partition: Partition,
  column: EventColumn,
  values: ColumnValues | undefined,
): ColumnData | undefined {
  if (values === undefined) return undefined
  const storage = storageOf(column.type)
  const dictionary: Dictionary = partition.texts(column.id)
  if (isSet(values)) {
    const { offsets } = values
    if (storage === 'text') return { kind: 'text_set', offsets, codes: values.values as Uint32Array, dictionary }
    if (storage === 'bool') return { kind: 'bool_set', offsets, values: inWidth(values.values, 1) as Uint8Array }
    return { kind: 'number_set', offsets, values: values.values as Float64Array }
  }
  if (storage === 'text') return { kind: 'text', codes: values as Uint32Array, dictionary }
  if (storage === 'bool') return { kind: 'bool', values: values as Uint8Array }
  return { kind: 'number', values: values as Float64Array }
}

function makerOf(storage: Storage, width: number): Constructor {
  if (storage === 'number') return Float64Array
  if (storage === 'bool' || width === 1) return Uint8Array
  return width === 2 ? Uint16Array : Uint32Array
}
