import { firstInOrder, type Steps } from '../lib/index.js'
import { JsonTexts } from './json-writer.js'
import type { Scalar } from './program.js'
import { compareScalars } from './runtime/groups.js'

/** So many lists of keys are kept, of so many keys and characters each: larger ones take longer to compare. */
const KEPT_MAX = 16
const KEYS_MAX = 2_048
const CHARACTERS_MAX = 65_536
/** Keys that are looked at, or written, without a pause. */
const KEYS_AT_ONCE = 1_000

/** By their number. */
const kept = new Map<number, OrderedKeys>()

/**
 * The keys of an answer in their order, and as JSON. Whoever asks again mostly gets the same keys: with some hundred
 * groups, putting them in order takes longer than merging what was counted.
 */
export class OrderedKeys {
  readonly #keys: readonly Scalar[]
  /** By key, its place in the order of keys. */
  readonly rank: Int32Array
  #texts: JsonTexts | undefined

  private constructor(keys: readonly Scalar[], rank: Int32Array) {
    this.#keys = keys
    this.rank = rank
  }

  /** Those of some keys, which may become more afterwards. */
  static *of(keys: readonly Scalar[]): Steps<OrderedKeys> {
    const known = kept.get(keys.length)
    if (known?.isOf(keys)) return known
    const compare = yield* comparisonOf(keys)
    const order = yield* firstInOrder(
      keys.length,
      (key) => key,
      (a, b) => compare(keys[a]!, keys[b]!),
    )
    const rank = new Int32Array(keys.length)
    for (let at = 0; at < order.length; at++) rank[order[at]!] = at
    yield
    const ordered = new OrderedKeys([...keys], rank)
    kept.delete(keys.length)
    if (keys.length > KEYS_MAX || charactersOf(keys) > CHARACTERS_MAX) return ordered
    if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value!)
    kept.set(keys.length, ordered)
    return ordered
  }

  /** Whether it is those of as many keys. */
  isOf(keys: readonly Scalar[]): boolean {
    return this.#keys.every((key, at) => key === keys[at])
  }

  /** By key, how its groups begin in JSON. */
  *texts(): Steps<JsonTexts> {
    this.#texts ??= yield* JsonTexts.inSteps(this.#keys.length, (key) => groupStart(this.#keys[key]!))
    return this.#texts
  }
}

/** How a group begins in JSON. */
export function groupStart(key: Scalar): string {
  return `{"g":${JSON.stringify(key ?? 'n/a')},"c":[`
}

function charactersOf(keys: readonly Scalar[]): number {
  return keys.reduce<number>((sum, key) => sum + (typeof key === 'string' ? key.length : 0), 0)
}

/** The same order as that of `compareScalars`, which looks at each character of texts only where some have surrogates. */
function* comparisonOf(keys: readonly Scalar[]): Steps<(a: Scalar, b: Scalar) => number> {
  for (const [at, key] of keys.entries()) {
    if (typeof key === 'string' && /[\ud800-\udfff]/.test(key)) return compareScalars
    if (at % KEYS_AT_ONCE === 0) yield
  }
  return (a, b) =>
    typeof a === 'string' && typeof b === 'string' ? (a < b ? -1 : a > b ? 1 : 0) : compareScalars(a, b)
}
