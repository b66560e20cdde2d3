import { afterPrefix, type KeyCursor, type Keyspace, type StorageSnapshot } from '../storage/index.js'
import { endOfValueOfEntry, exactValueOfEntry, keyOfEntry } from './layout.js'
import type { ValueRun } from './reader.js'

/** Entries between two pauses. */
const STEP = 1024
/** A value that has so many entries may have many more: a search passes over them sooner than steps do. */
const FEW = 16

interface Range {
  start: string
  end: string
}

/** A run, with the beginning that its entries share. */
interface Run {
  first: string
  value: string
  count: number
}

/** The values of a stretch of an index, one after the other, each read once; and how many entries they have. */
export function* indexRuns(
  snapshot: StorageSnapshot,
  indexes: Keyspace,
  range: Range,
  counting: boolean,
): Generator<ValueRun | undefined> {
  const beside = snapshot.postponed(indexes, range)
  let runs: Iterable<Run | undefined>
  if (beside && counting) runs = runsOf(snapshot.keys(indexes, range))
  else {
    const inTree = new TreeRuns(snapshot, indexes, range, counting).all()
    runs = beside ? together(inTree, runsOf(beside)) : inTree
  }
  for (const run of runs) yield run && shown(run)
}

function shown({ first, count }: Run): ValueRun {
  return { key: keyOfEntry(first), value: exactValueOfEntry(first), count }
}

function* runsOf(entries: Iterable<string>): Generator<Run | undefined> {
  let run: Run | undefined
  let steps = 0
  for (const entry of entries) {
    if (++steps % STEP === 0) yield undefined
    if (run && entry.startsWith(run.value)) {
      run.count++
      continue
    }
    if (run) yield run
    run = newRun(entry)
  }
  if (run) yield run
}

function newRun(first: string): Run {
  return { first, value: first.slice(0, endOfValueOfEntry(first)), count: 1 }
}

/** Two lists of runs as one, in which each value stands once. Counts are not added up: an entry may stand in both. */
function* together(a: Iterable<Run | undefined>, b: Iterable<Run | undefined>): Generator<Run | undefined> {
  const others = [...b].filter((run) => run !== undefined)
  let next = 0
  for (const run of a) {
    if (run === undefined) {
      yield undefined
      continue
    }
    while (next < others.length && others[next]!.value < run.value) yield others[next++]
    const other = others[next]?.value === run.value ? others[next++] : undefined
    yield other && other.first < run.first ? other : run
  }
  yield* others.slice(next)
}

/** Runs of the entries that are in the B-tree. */
class TreeRuns {
  readonly #open: (start: string) => KeyCursor
  readonly #range: Range
  readonly #counting: boolean
  #cursor: KeyCursor

  constructor(snapshot: StorageSnapshot, indexes: Keyspace, range: Range, counting: boolean) {
    this.#open = (start) => snapshot.cursor(indexes, { start, end: range.end })
    this.#range = range
    this.#counting = counting
    this.#cursor = this.#open(range.start)
  }

  *all(): Generator<Run | undefined> {
    let run: Run | undefined
    let steps = 0
    try {
      while (this.#cursor.next()) {
        if (run && this.#isOf(run.value)) {
          run.count++
          if (++steps % STEP === 0) yield undefined
          if (run.count < FEW || this.#counting) continue
          yield run
          if (!this.#pass(run.value)) return
          run = undefined
          continue
        }
        const next = newRun(this.#cursor.text())
        if (run) yield run
        run = next
      }
      if (run) yield run
    } finally {
      this.#cursor.close()
    }
  }

  /** Goes on behind a value; false where the range ends with it. */
  #pass(value: string): boolean {
    this.#cursor.close()
    const start = afterPrefix(value)
    if (start >= this.#range.end) return false
    this.#cursor = this.#open(start)
    return true
  }

  /** Whether the current entry has the value. From its end: what values share is their beginning. */
  #isOf(value: string): boolean {
    const { bytes, start, end } = this.#cursor
    if (end - start < value.length) return false
    for (let at = value.length - 1; at >= 0; at--) if (bytes[start + at] !== value.charCodeAt(at)) return false
    return true
  }
}
