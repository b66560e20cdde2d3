import { type ColumnValues, isSet, type Scalars, type SetValues } from './codec.js'
import type { DeltaOrder } from './delta.js'

/**
 * Where the rows of merged people come from: runs of neighbouring rows of the block, or of rows of the delta that are
 * neighbours in its order. Most people's fresh rows come after all others, so runs are few.
 */
export interface MergePlan {
  readonly rows: number
  readonly rowStart: Uint32Array
  /** Start and length of each run, one after the other: a row of the block, or ~place in the order of the delta. */
  readonly runs: Int32Array
  readonly order: Uint32Array
}

export interface MergeInput {
  /** The first person's number and how many follow it. */
  readonly first: number
  readonly people: number
  /** Rows of the block by person; people beyond its end have none. */
  readonly blockPeople: number
  readonly blockRowStart: Uint32Array
  readonly blockLastStamp: Float64Array
  /** Stamps and codes of the actions of the block, asked for only where rows must be compared. */
  readonly blockStamp: () => Float64Array
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

/** Runs that grow at their end. */
class Runs {
  #runs = new Int32Array(1024)
  #end = 0

  add(start: number, length: number): void {
    if (length === 0) return
    const last = this.#end - 2
    if (last >= 0 && this.#follows(this.#runs[last]!, this.#runs[last + 1]!, start)) {
      this.#runs[last + 1]! += length
      return
    }
    if (this.#end === this.#runs.length) {
      const larger = new Int32Array(this.#end * 2)
      larger.set(this.#runs)
      this.#runs = larger
    }
    this.#runs[this.#end++] = start
    this.#runs[this.#end++] = length
  }

  take(): Int32Array {
    return this.#runs.subarray(0, this.#end)
  }

  #follows(start: number, length: number, next: number): boolean {
    return start >= 0 ? next === start + length : next < 0 && ~next === ~start + length
  }
}

/** Rows by (stamp, rank, arrival): on a tie the row of the block came first. */
export function planMerge(input: MergeInput): MergePlan {
  const { first, people, blockPeople, blockRowStart, blockLastStamp, delta, order, from, to } = input
  const runs = new Runs()
  const rowStart = new Uint32Array(people + 1)
  let rows = 0
  for (let person = 0; person < people; person++) {
    const isInBlock = person < blockPeople
    const row = isInBlock ? blockRowStart[person]! : 0
    const end = isInBlock ? blockRowStart[person + 1]! : 0
    const lastStamp = isInBlock ? blockLastStamp[person]! : -1
    const last = order.start[first + person + 1]!
    let at = order.start[first + person]!
    while (at < last && !isWithin(order.order[at]!, from, to)) at++
    if (at === last || delta.stamp[order.order[at]!]! > lastStamp) {
      runs.add(row, end - row)
      rows += end - row
      for (; at < last; at++) {
        if (!isWithin(order.order[at]!, from, to)) continue
        runs.add(~at, 1)
        rows++
      }
    } else rows += interleave(input, runs, row, end, at, last)
    rowStart[person + 1] = rows
  }
  return { rows, rowStart, runs: runs.take(), order: order.order }
}

function isWithin(row: number, from: number, to: number): boolean {
  return row >= from && row < to
}

/** Merges the rows of one person whose fresh rows are not all later; the number of rows. */
function interleave(input: MergeInput, runs: Runs, row: number, end: number, from: number, to: number): number {
  const { delta, order, rank } = input
  const stamps = input.blockStamp()
  let action: Scalars | undefined
  let rows = 0
  for (let at = from; at < to; at++) {
    const fresh = order.order[at]!
    if (!isWithin(fresh, input.from, input.to)) continue
    const stamp = delta.stamp[fresh]!
    const start = row
    while (row < end && stamps[row]! <= stamp) {
      if (stamps[row] === stamp) {
        action ??= input.blockAction()
        if (rank[action[row]!]! > rank[delta.action[fresh]!]!) break
      }
      row++
    }
    runs.add(start, row - start)
    runs.add(~at, 1)
    rows += row - start + 1
  }
  runs.add(row, end - row)
  return rows + end - row
}

type Merge = (into: Scalars, block: Scalars, delta: Scalars, plan: MergePlan) => void

/** Each maker call gives a function with type feedback of its own, so that every one of them sees one width only. */
const makeMerge =
  (): Merge =>
  (into, block, delta, { runs, order }) => {
    let next = 0
    for (let at = 0; at < runs.length; at += 2) {
      const start = runs[at]!
      const length = runs[at + 1]!
      if (start >= 0) for (let row = start; row < start + length; row++) into[next++] = block[row]!
      else for (let place = ~start; place < ~start + length; place++) into[next++] = delta[order[place]!]!
    }
  }
const mergeBytes = makeMerge()
const mergeBools = makeMerge()
const mergeShorts = makeMerge()
const mergeWords = makeMerge()
const mergeDoubles = makeMerge()

/** Merges a column of scalars into an array of its own class. */
export function mergeScalars(into: Scalars, block: Scalars, delta: Scalars, plan: MergePlan): void {
  if (into instanceof Float64Array) mergeDoubles(into, block, delta, plan)
  else if (into instanceof Uint8Array) (delta instanceof Uint8Array ? mergeBools : mergeBytes)(into, block, delta, plan)
  else if (into instanceof Uint16Array) mergeShorts(into, block, delta, plan)
  else mergeWords(into, block, delta, plan)
}

/** Merges a column of sets; `make` gives the array for the elements. */
export function mergeSets(
  block: SetValues | undefined,
  delta: SetValues | undefined,
  plan: MergePlan,
  make: (length: number) => Scalars,
): SetValues {
  const offsets = new Uint32Array(plan.rows + 1)
  let count = 0
  let row = 0
  eachRow(plan, (isFresh, index) => {
    const from = isFresh ? delta : block
    if (from) count += from.offsets[index + 1]! - from.offsets[index]!
    offsets[++row] = count
  })
  const values = make(count)
  let next = 0
  eachRow(plan, (isFresh, index) => {
    const from = isFresh ? delta : block
    if (!from) return
    const end = from.offsets[index + 1]!
    for (let element = from.offsets[index]!; element < end; element++) values[next++] = from.values[element]!
  })
  return { offsets, values }
}

function eachRow({ runs, order }: MergePlan, visit: (isFresh: boolean, row: number) => void): void {
  for (let at = 0; at < runs.length; at += 2) {
    const start = runs[at]!
    const length = runs[at + 1]!
    for (let step = 0; step < length; step++) {
      if (start >= 0) visit(false, start + step)
      else visit(true, order[~start + step]!)
    }
  }
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
