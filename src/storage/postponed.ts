import { lowerBound } from '../lib/index.js'
import { PackedKeys, type Reader } from './packed-keys.js'

const BUCKET_LENGTH = 4

/** Keys with the same first four bytes. Most go into the tree without anybody having asked for them before. */
class Bucket {
  readonly #keys = new PackedKeys()
  /** The commits that have brought keys, and how many each. */
  readonly #commits: number[] = []
  readonly #counts: number[] = []
  #sorted: string[] = []
  readonly #sorting: Reader = { chunk: 0, position: 0 }
  readonly #from = new Map<string, number>()
  readonly #mapping: Reader = { chunk: 0, position: 0 }
  /** The place of the commit that has brought the next key for the map, and how many of its keys are there. */
  #place = 0
  #mapped = 0

  /** The last commit that has brought a key. */
  get newest(): number {
    return this.#commits.at(-1)!
  }

  add(key: string, commit: number): void {
    this.#keys.append(key)
    const last = this.#commits.length - 1
    if (this.#commits[last] === commit) this.#counts[last]!++
    else {
      this.#commits.push(commit)
      this.#counts.push(1)
    }
  }

  /** All keys in order, each once; what came since the last look is sorted now. */
  sorted(): readonly string[] {
    const fresh = this.#keys.next(this.#sorting)
    if (fresh.length > 0) this.#sorted = merge(this.#sorted, fresh.sort())
    return this.#sorted
  }

  /** The first commit that has brought a key, if any has. */
  commitOf(key: string): number | undefined {
    for (const fresh of this.#keys.next(this.#mapping)) {
      while (this.#mapped === this.#counts[this.#place]) {
        this.#place++
        this.#mapped = 0
      }
      this.#mapped++
      if (!this.#from.has(fresh)) this.#from.set(fresh, this.#commits[this.#place]!)
    }
    return this.#from.get(key)
  }
}

/** A key may be seen by those who see the commit that has brought it, but not the commit `until`, if there is one. */
class Layer {
  readonly buckets = new Map<string, Bucket>()
  readonly until = new Map<string, number>()
  size = 0
  /** The commit that brought the layer's keys into the B-tree, once it has. */
  landed: number | undefined

  add(key: string, commit: number): void {
    if (this.until.size > 0 && this.until.delete(key)) return // it was removed in this very commit
    const name = key.slice(0, BUCKET_LENGTH)
    let bucket = this.buckets.get(name)
    if (!bucket) this.buckets.set(name, (bucket = new Bucket()))
    bucket.add(key, commit)
    this.size++
  }

  /** The bucket of a key or range. */
  bucketOf(key: string): Bucket | undefined {
    return this.buckets.get(key.slice(0, BUCKET_LENGTH))
  }

  commitOf(key: string): number | undefined {
    return this.bucketOf(key)?.commitOf(key)
  }

  remove(key: string, commit: number): void {
    if (!this.until.has(key) && this.commitOf(key) !== undefined) this.until.set(key, commit)
  }

  restore(key: string, commit: number): void {
    if (this.until.get(key) === commit && this.commitOf(key)! < commit) this.until.delete(key)
  }

  isWaiting(key: string): boolean {
    return !this.until.has(key) && this.commitOf(key) !== undefined
  }
}

/** Neighbours in one layer's bucket: those from `low` up to `high`, exclusive. */
interface Part {
  layer: Layer
  bucket: Bucket
  sorted: readonly string[]
  low: number
  high: number
}

/**
 * Keys of one keyspace that are not in its B-tree yet, because putting each of them there at once would change a page
 * for each. Whoever postpones keys must be able to find them again after a crash. Readers see them as if they were in
 * the tree; a layer stays until no open snapshot is from before the commit that brought its keys there.
 */
export class Postponed {
  #layers: Layer[] = [new Layer()]
  #size = 0

  /** Keys that are not in the tree; one that was postponed twice counts twice. */
  get size(): number {
    return this.#size
  }

  /** Whether any key has been removed again. */
  get hasRemoved(): boolean {
    return this.#layers.some(({ until }) => until.size > 0)
  }

  has(key: string): boolean {
    return this.#layers.some((layer) => layer.commitOf(key) !== undefined)
  }

  add(key: string, commit: number): void {
    const layer = this.#layers.at(-1)!
    const before = layer.size
    layer.add(key, commit)
    this.#size += layer.size - before
  }

  remove(key: string, commit: number): void {
    for (const layer of this.#layers) layer.remove(key, commit)
  }

  /** Takes back what `remove` did for a commit that never came. */
  restore(key: string, commit: number): void {
    for (const layer of this.#layers) layer.restore(key, commit)
  }

  /**
   * The keys of [start, end) that a snapshot after `commit` commits sees, in order; undefined when there are none at
   * all. The range lies in one bucket.
   */
  between(start: string, end: string, reverse = false, commit = Number.MAX_SAFE_INTEGER): Iterable<string> | undefined {
    const parts: Part[] = []
    for (const layer of this.#layers) {
      const bucket = layer.bucketOf(start)
      if (!bucket) continue
      const sorted = bucket.sorted()
      const part = { layer, bucket, sorted, low: lowerBound(sorted, start), high: lowerBound(sorted, end) }
      if (part.low < part.high) parts.push(part)
    }
    if (parts.length <= 1) return parts[0] && visible(parts[0], reverse, commit)
    const all = [...new Set(parts.flatMap((part) => [...visible(part, false, commit)]))].sort()
    return reverse ? all.reverse() : all
  }

  /** Ends the newest layer. What is frozen goes into the tree, unless it is removed first. */
  freeze(): void {
    if (this.#layers.at(-1)!.size > 0) this.#layers.push(new Layer())
  }

  /** The frozen keys in parts of at most `length` neighbours, sorted as they are asked for. */
  *parts(length: number): Generator<string[]> {
    for (const { buckets } of this.#waiting()) {
      for (const bucket of buckets.values()) {
        const sorted = bucket.sorted()
        for (let at = 0; at < sorted.length; at += length) yield sorted.slice(at, at + length)
      }
    }
  }

  /** Those of frozen keys that are still to go into the tree. */
  waitingOf(keys: readonly string[]): readonly string[] {
    const layers = this.#waiting()
    if (layers.every(({ until }) => until.size === 0)) return keys
    return keys.filter((key) => layers.some((layer) => layer.isWaiting(key)))
  }

  /** The commit with which all that was frozen is in the tree. */
  landed(commit: number): void {
    for (const layer of this.#waiting()) {
      layer.landed = commit
      this.#size -= layer.size
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

/** Two sorted lists as one, in which each key stands once. */
function merge(a: readonly string[], b: readonly string[]): string[] {
  const all: string[] = []
  const add = (key: string) => {
    if (key !== all.at(-1)) all.push(key)
  }
  let i = 0
  for (const key of b) {
    while (i < a.length && a[i]! < key) add(a[i++]!)
    add(key)
  }
  while (i < a.length) add(a[i++]!)
  return all
}

function visible(part: Part, reverse: boolean, commit: number): Iterable<string> {
  const { layer, bucket, sorted, low, high } = part
  if (layer.until.size > 0 || bucket.newest > commit) return visibleOneByOne(part, reverse, commit)
  const keys = sorted.slice(low, high)
  return reverse ? keys.reverse() : keys
}

function* visibleOneByOne(
  { layer: { until }, bucket, sorted, low, high }: Part,
  reverse: boolean,
  commit: number,
): Generator<string> {
  for (let n = 0; n < high - low; n++) {
    const key = sorted[reverse ? high - 1 - n : low + n]!
    if (bucket.commitOf(key)! <= commit && commit < (until.get(key) ?? Number.POSITIVE_INFINITY)) yield key
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
