/** When a key may be seen: by those who know at least `from` commits and fewer than `until`. */
interface Visible {
  from: number
  until: number
}

/** Keys with the same first four bytes; what came since the last look is sorted at the next one. */
interface Bucket {
  sorted: string[]
  fresh: string[]
}

interface Layer {
  keys: Map<string, Visible>
  buckets: Map<string, Bucket>
  /** The commit that brought the layer's keys into the B-tree, once it has. */
  landed: number | undefined
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

  has(key: string): boolean {
    return this.#layers.some((layer) => layer.keys.has(key))
  }

  add(key: string, commit: number): void {
    const layer = this.#layers.at(-1)!
    const known = layer.keys.get(key)
    if (known) {
      known.until = Number.POSITIVE_INFINITY // it was removed in this very commit
      return
    }
    layer.keys.set(key, { from: commit, until: Number.POSITIVE_INFINITY })
    const name = key.slice(0, BUCKET_LENGTH)
    const bucket = layer.buckets.get(name)
    if (bucket) bucket.fresh.push(key)
    else layer.buckets.set(name, { sorted: [], fresh: [key] })
    this.#size++
  }

  remove(key: string, commit: number): void {
    for (const { keys } of this.#layers) {
      const visible = keys.get(key)
      if (visible && visible.until > commit) visible.until = commit
    }
  }

  /** The keys of [start, end) that a snapshot after `commit` commits sees, in order. The range lies in one bucket. */
  between(start: string, end: string, commit = Number.MAX_SAFE_INTEGER): string[] {
    const found: string[] = []
    for (const { keys, buckets } of this.#layers) {
      const bucket = buckets.get(start.slice(0, BUCKET_LENGTH))
      if (!bucket) continue
      const sorted = sort(bucket)
      for (let i = lowerBound(sorted, start); i < sorted.length && sorted[i]! < end; i++) {
        const { from, until } = keys.get(sorted[i]!)!
        if (from <= commit && commit < until) found.push(sorted[i]!)
      }
    }
    return this.#layers.length === 1 ? found : [...new Set(found)].sort()
  }

  /** Ends the newest layer and answers every key that is to go into the tree. */
  freeze(): string[] {
    if (this.#layers.at(-1)!.keys.size > 0) this.#layers.push(newLayer())
    const waiting = this.#waiting().flatMap(({ keys }) => [...keys])
    return waiting.filter(([, { until }]) => until === Number.POSITIVE_INFINITY).map(([key]) => key)
  }

  /** The commit that put what `freeze` answered into the tree. */
  landed(commit: number): void {
    for (const layer of this.#waiting()) {
      layer.landed = commit
      this.#size -= layer.keys.size
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
  return { keys: new Map(), buckets: new Map(), landed: undefined }
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

function lowerBound(sorted: string[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}

/** The keys of the tree and those beside it, each once, in order; at most `limit`. */
export function* together(
  tree: Iterable<string>,
  beside: string[],
  { reverse = false, limit = Number.POSITIVE_INFINITY }: { reverse?: boolean; limit?: number },
): Generator<string> {
  const others = reverse ? beside.toReversed() : beside
  const before = (a: string, b: string) => (reverse ? a > b : a < b)
  let next = 0
  let count = 0
  for (const key of tree) {
    while (next < others.length && before(others[next]!, key)) {
      if (count++ >= limit) return
      yield others[next++]!
    }
    if (others[next] === key) next++
    if (count++ >= limit) return
    yield key
  }
  for (; next < others.length && count < limit; count++) yield others[next++]!
}
