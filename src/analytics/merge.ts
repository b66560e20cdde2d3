import { type ColumnValues, isSet, type Scalars, type SetValues } from './codec.js'
import type { DeltaOrder } from './delta.js'

/** Where the rows of merged people come from: a row of the block, or ~row of the delta. */
export interface MergePlan {
  readonly rowStart: Uint32Array
  readonly source: Int32Array
}

export interface MergeInput {
  /** The first person's number and how many follow it. */
  readonly first: number
  readonly people: number
  /** Rows of the block by person; people beyond its end have none. */
  readonly blockPeople: number
  readonly blockRowStart: Uint32Array
  readonly blockStamp: Float64Array
  /** Codes of the actions of the block, asked for only where stamps are equal. */
  readonly blockAction: () => Scalars
  readonly delta: { readonly stamp: Float64Array; readonly action: Uint32Array }
  readonly order: DeltaOrder
  /** Rows of the delta from here up to `to` are not in the block. */
  readonly from: number
  readonly to: number
  /** Rank of the action by code. */
  readonly rank: Uint32Array
}

/** Whether people have rows in the delta that their block lacks. */
export function hasFresh(order: DeltaOrder, first: number, people: number, from: number, to: number): boolean {
  const end = order.start[first + people]!
  for (let at = order.start[first]!; at < end; at++) {
    const row = order.order[at]!
    if (row >= from && row < to) return true
  }
  return false
}

/** Rows by (stamp, rank, arrival): on a tie the row of the block came first. */
export function planMerge(input: MergeInput): MergePlan {
  const { first, people, blockPeople, blockRowStart, blockStamp, delta, order, from, to, rank } = input
  const most = blockRowStart[blockPeople]! + order.start[first + people]! - order.start[first]!
  const source = new Int32Array(most)
  const rowStart = new Uint32Array(people + 1)
  let action: Scalars | undefined
  let count = 0
  for (let person = 0; person < people; person++) {
    let row = person < blockPeople ? blockRowStart[person]! : 0
    const end = person < blockPeople ? blockRowStart[person + 1]! : 0
    const last = order.start[first + person + 1]!
    for (let at = order.start[first + person]!; at < last; at++) {
      const fresh = order.order[at]!
      if (fresh < from || fresh >= to) continue
      const stamp = delta.stamp[fresh]!
      while (row < end && blockStamp[row]! <= stamp) {
        if (blockStamp[row] === stamp) {
          action ??= input.blockAction()
          if (rank[action[row]!]! > rank[delta.action[fresh]!]!) break
        }
        source[count++] = row++
      }
      source[count++] = ~fresh
    }
    while (row < end) source[count++] = row++
    rowStart[person + 1] = count
  }
  return { rowStart, source: source.subarray(0, count) }
}

type Merge = (into: Scalars, block: Scalars, delta: Scalars, source: Int32Array) => void

/** Each maker call gives a function with type feedback of its own, so that every one of them sees one width only. */
const makeMerge = (): Merge => (into, block, delta, source) => {
  for (let at = 0; at < source.length; at++) {
    const row = source[at]!
    into[at] = row >= 0 ? block[row]! : delta[~row]!
  }
}
const mergeBytes = makeMerge()
const mergeBools = makeMerge()
const mergeShorts = makeMerge()
const mergeWords = makeMerge()
const mergeDoubles = makeMerge()

/** Merges a column of scalars into an array of its own class. */
export function mergeScalars(into: Scalars, block: Scalars, delta: Scalars, source: Int32Array): void {
  if (into instanceof Float64Array) mergeDoubles(into, block, delta, source)
  else if (into instanceof Uint8Array)
    (delta instanceof Uint8Array ? mergeBools : mergeBytes)(into, block, delta, source)
  else if (into instanceof Uint16Array) mergeShorts(into, block, delta, source)
  else mergeWords(into, block, delta, source)
}

/** Merges a column of sets; `make` gives the array for the elements. */
export function mergeSets(
  block: SetValues | undefined,
  delta: SetValues | undefined,
  source: Int32Array,
  make: (length: number) => Scalars,
): SetValues {
  const offsets = new Uint32Array(source.length + 1)
  let count = 0
  for (let at = 0; at < source.length; at++) {
    const row = source[at]!
    if (row >= 0) {
      if (block) count += block.offsets[row + 1]! - block.offsets[row]!
    } else if (delta) count += delta.offsets[~row + 1]! - delta.offsets[~row]!
    offsets[at + 1] = count
  }
  const values = make(count)
  let next = 0
  for (let at = 0; at < source.length; at++) {
    const row = source[at]!
    const from = row >= 0 ? block : delta
    if (!from) continue
    const index = row >= 0 ? row : ~row
    const end = from.offsets[index + 1]!
    for (let element = from.offsets[index]!; element < end; element++) values[next++] = from.values[element]!
  }
  return { offsets, values }
}

/** Codes in the width wanted; numbers as they are. */
export function inWidth(values: Scalars, width: number): Scalars {
  if (values instanceof Float64Array || values.BYTES_PER_ELEMENT === width) return values
  return width === 1 ? Uint8Array.from(values) : width === 2 ? Uint16Array.from(values) : Uint32Array.from(values)
}

export function columnInWidth(values: ColumnValues, width: number): ColumnValues {
  if (!isSet(values)) return inWidth(values, width)
  const elements = inWidth(values.values, width)
  return elements === values.values ? values : { offsets: values.offsets, values: elements }
}
