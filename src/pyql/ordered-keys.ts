import { JsonTexts } from './json-writer.js'
import type { Scalar } from './program.js'
import { compareScalars } from './runtime/groups.js'

/** So many lists of keys are kept, of so many keys and characters each: larger ones take longer to compare. */
const KEPT_MAX = 16
const KEYS_MAX = 2_048
const CHARACTERS_MAX = 65_536

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

  private constructor(keys: readonly Scalar[]) {
    this.#keys = [...keys]
    const compare = comparisonOf(keys)
    const order = Array.from(keys, (_, key) => key).sort((a, b) => compare(keys[a]!, keys[b]!))
    this.rank = new Int32Array(keys.length)
    for (const [at, key] of order.entries()) this.rank[key] = at
  }

  /** Those of some keys, which may become more afterwards. */
  static of(keys: readonly Scalar[]): OrderedKeys {
    const known = kept.get(keys.length)
    if (known?.isOf(keys)) return known
    const ordered = new OrderedKeys(keys)
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
  get texts(): JsonTexts {
    this.#texts ??= new JsonTexts(this.#keys.map((key) => `{"g":${JSON.stringify(key ?? 'n/a')},"c":[`))
    return this.#texts
  }
}

function charactersOf(keys: readonly Scalar[]): number {
  return keys.reduce<number>((sum, key) => sum + (typeof key === 'string' ? key.length : 0), 0)
}

/** The same order as that of `compareScalars`, which looks at each character of texts only where some have surrogates. */
function comparisonOf(keys: readonly Scalar[]): (a: Scalar, b: Scalar) => number {
  if (keys.some((key) => typeof key === 'string' && /[\ud800-\udfff]/.test(key))) return compareScalars
  return (a, b) =>
    typeof a === 'string' && typeof b === 'string' ? (a < b ? -1 : a > b ? 1 : 0) : compareScalars(a, b)
}
