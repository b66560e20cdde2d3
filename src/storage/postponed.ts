import { lowerBound } from '../lib/index.js'

/** Keys with the same first four bytes; what came since the last look is sorted at the next one. */
interface Bucket {
  sorted: string[]
  fresh: string[]
}

/** A key may be seen by those who see the commit `from`, but not the commit `until`, if there is one. */
interface Layer {
  from: Map<string, number>
  until: Map<string, number>
  buckets: Map<string, Bucket>
  /** The commit that brought the layer's keys into the B-tree, once it has. */
  landed: number | undefined
}

/** Neighbours in one layer's bucket: those from `low` up to `high`, exclusive. */
interface Part {
  layer: Layer
  sorted: readonly string[]
  low: number
  high: number
}

const BUCKET_LENGTH = 4

/**
 * Keys of one keyspace that are not in its B-tree yet, because putting each of them there at once would change a page
 * for each. Whoever postpones keys must be able to find them again after a crash. Readers see them as if they were in
 * the tree; a layer stays until no open snapshot is from before the commit that brought its keys there.
 */
export class Postponed {
  #layers: Layer[] = [newLayer()]
  #size = 0

  /** Keys that are not in the tree. */
  get size(): number {
    return this.#size
  }

  /** Whether any key has been removed again. */
  get hasRemoved(): boolean {
    return this.#layers.some(({ until }) => until.size > 0)
  }

  has(key: string): boolean {
    return this.#layers.some((layer) => layer.from.has(key))
  }

  add(key: string, commit: number): void {
    const layer = this.#layers.at(-1)!
    if (layer.from.has(key)) {
      layer.until.delete(key) // it was removed in this very commit
      return
    }
    layer.from.set(key, commit)
    const name = key.slice(0, BUCKET_LENGTH)
    const bucket = layer.buckets.get(name)
    if (bucket) bucket.fresh.push(key)
    else layer.buckets.set(name, { sorted: [], fresh: [key] })
    this.#size++
  }

  remove(key: string, commit: number): void {
    for (const { from, until } of this.#layers) {
      if (from.has(key) && !until.has(key)) until.set(key, commit)
    }
  }

  /** Takes back what `remove` did for a commit that never came. */
  restore(key: string, commit: number): void {
    for (const { from, until } of this.#layers) {
      if (until.get(key) === commit && from.get(key)! < commit) until.delete(key)
    }
  }

  /**
   * The keys of [start, end) that a snapshot after `commit` commits sees, in order; undefined when there are none at
   * all. The range lies in one bucket.
   */
  between(start: string, end: string, reverse = false, commit = Number.MAX_SAFE_INTEGER): Iterable<string> | undefined {
    const parts: Part[] = []
    for (const layer of this.#layers) {
      const bucket = layer.buckets.get(start.slice(0, BUCKET_LENGTH))
      if (!bucket) continue
      const sorted = sort(bucket)
      const part = { layer, sorted, low: lowerBound(sorted, start), high: lowerBound(sorted, end) }
      if (part.low < part.high) parts.push(part)
    }
    if (parts.length <= 1) return parts[0] && visible(parts[0], reverse, commit)
    const all = [...new Set(parts.flatMap((part) => [...visible(part, false, commit)]))].sort()
    return reverse ? all.reverse() : all
  }

  /** Ends the newest layer. What is frozen goes into the tree, unless it is removed first. */
  freeze(): void {
    if (this.#layers.at(-1)!.from.size > 0) this.#layers.push(newLayer())
  }

  /** The frozen keys in parts of at most `length` neighbours, sorted as they are asked for. */
  *parts(length: number): Generator<string[]> {
    for (const { buckets } of this.#waiting()) {
      for (const bucket of buckets.values()) {
        const sorted = sort(bucket)
        for (let at = 0; at < sorted.length; at += length) yield sorted.slice(at, at + length)
      }
    }
  }

  /** Whether a frozen key is still to go into the tree. */
  isWaiting(key: string): boolean {
    return this.#waiting().some(({ from, until }) => from.has(key) && !until.has(key))
  }

  /** The commit with which all that was frozen is in the tree. */
  landed(commit: number): void {
    for (const layer of this.#waiting()) {
      layer.landed = commit
      this.#size -= layer.from.size
    }
  }

  /** Forgets layers that nobody needs; `oldest` is the commit of the oldest open snapshot. */
  release(oldest: number): void {
    if (this.#layers.length === 1) return
    this.#layers = this.#layers.filter(({ landed }) => landed === undefined || landed > oldest)
  }

  /** Frozen layers that are not in the tree. */
  #waiting(): Layer[] {
    return this.#layers.slice(0, -1).filter(({ landed }) => landed === undefined)
  }
}

function newLayer(): Layer {
  return { from: new Map(), until: new Map(), buckets: new Map(), landed: undefined }
}

function sort(bucket: Bucket): string[] {
  if (bucket.fresh.length > 0) {
    bucket.sorted = merge(bucket.sorted, bucket.fresh.sort())
    bucket.fresh = []
  }
  return bucket.sorted
}

/** Two sorted lists without common keys as one. */
function merge(a: string[], b: string[]): string[] {
  if (a.length === 0 || a.at(-1)! < b[0]!) return a.concat(b)
  const all: string[] = []
  let i = 0
  for (const key of b) {
    while (i < a.length && a[i]! < key) all.push(a[i++]!)
    all.push(key)
  }
  while (i < a.length) all.push(a[i++]!)
  return all
}

function* visible(
  { layer: { from, until }, sorted, low, high }: Part,
  reverse: boolean,
  commit: number,
): Generator<string> {
  for (let n = 0; n < high - low; n++) {
    const key = sorted[reverse ? high - 1 - n : low + n]!
    if (from.get(key)! <= commit && commit < (until.get(key) ?? Number.POSITIVE_INFINITY)) yield key
  }
}

/** The keys of the tree and those beside it, each once, in order; at most `limit`. */
export function* together(
  tree: Iterable<string>,
  beside: Iterable<string>,
  { reverse = false, limit = Number.POSITIVE_INFINITY }: { reverse?: boolean; limit?: number },
): Generator<string> {
  const isBefore = (a: string, b: string) => (reverse ? a > b : a < b)
  const others = beside[Symbol.iterator]()
  let other = others.next()
  let count = 0
  for (const key of tree) {
    for (; !other.done && isBefore(other.value, key); other = others.next()) {
      if (count++ >= limit) return
      yield other.value
    }
    if (!other.done && other.value === key) other = others.next()
    if (count++ >= limit) return
    yield key
  }
  for (; !other.done && count < limit; other = others.next(), count++) yield other.value
}
