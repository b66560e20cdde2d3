// Groups: count, sum, min, max and avg of the rows that share values; also what `distinct` is made of.
import { nearest, Problem, show } from '../../lib/index.js'
import type { Row } from '../reader.js'
import type { Budget } from './budget.js'
import { type Aggregate, type Output, readAggregate, type Selected } from './output.js'
import type { Frame, Ref, Scope } from './scope.js'
import { compareValues, identity, rank, weight } from './value.js'
import { type Stage, TICK } from './walk.js'

/** What rows are grouped by and what is computed; names of the result lead to the values of a group. */
export class Grouping {
  readonly outputs: readonly Output[]
  readonly keys: readonly Ref[]
  readonly aggregates: Aggregate[] = []
  readonly #scope: Scope
  readonly #selected: readonly Selected[]
  /** What to do about a column that differs within a group. */
  readonly #advice: string

  constructor(selected: readonly Selected[], keys: readonly Ref[], scope: Scope, advice: string) {
    this.keys = keys
    this.#advice = advice
    this.#scope = scope
    this.#selected = selected
    this.outputs = selected.map((item) => {
      const ref = this.#refOf(item)
      if (!('unnamed' in item)) return { name: item.name, ref }
      // Among values of groups null stands for what is absent.
      return { name: item.name, ref: { ...ref, read: (frame) => ref.read(frame) ?? undefined }, unnamed: true }
    })
  }

  /** The value of a group that `having` or `orderby` names: a result's name, a grouped column, or an aggregate. */
  find = (name: unknown): Ref => {
    if (typeof name === 'object' && name !== null) return this.#ofAggregate(readAggregate(name, this.#scope))
    const text = String(name)
    const output = this.outputs.find((it) => it.name === text && !it.unnamed)
    if (output) return output.ref
    const column = this.#scope.lookUp(text)
    if (column) return this.#ofColumn(column, text)
    const known = this.outputs.filter((it) => !it.unnamed).map((it) => it.name)
    throw new Problem('column_unknown', { column: text, table: 'the result', suggestion: nearest(text, known) })
  }

  /** As far as texts go: whether the result or the tables have the name. */
  knows = (name: string): boolean =>
    this.#selected.some((it) => it.name === name && !('unnamed' in it)) || this.#scope.lookUp(name) !== undefined

  /** The columns that tell groups apart. */
  get keyRefs(): Ref[] {
    return this.keys.map((key, number) => member(`k${number}`, key.name, key))
  }

  /** Of one of several aggregates only. */
  alone(aggregate: Aggregate): Grouping {
    const grouping = new Grouping([], [], this.#scope, this.#advice)
    grouping.aggregates.push(aggregate)
    return grouping
  }

  #refOf(item: Selected): Ref {
    return 'aggregate' in item ? this.#ofAggregate(item.aggregate) : this.#ofColumn(item.ref, item.name)
  }

  #ofColumn(ref: Ref, name: string): Ref {
    const number = this.keys.findIndex((key) => key.source === ref.source && key.name === ref.name)
    if (number < 0) throw new Problem('column_not_grouped', { column: name, advice: this.#advice })
    return member(`k${number}`, name, ref)
  }

  #ofAggregate(aggregate: Aggregate): Ref {
    let number = this.aggregates.findIndex((it) => isSame(it, aggregate))
    if (number < 0) number = this.aggregates.push(aggregate) - 1
    const type = aggregate.run === 'min' || aggregate.run === 'max' ? aggregate.ref!.type : 'double'
    return { ...member(`a${number}`, aggregate.run), type }
  }
}

function member(place: string, name: string, like?: Ref): Ref {
  return { source: 0, name, type: like?.type ?? 'any', whole: false, read: (frame) => frame[0]![place] }
}

function isSame(a: Aggregate, b: Aggregate): boolean {
  return a.run === b.run && a.distinct === b.distinct && a.ref?.source === b.ref?.source && a.ref?.name === b.ref?.name
}

interface Accumulator {
  add(frame: Frame, times?: number): void
  result(): unknown
}

/** Null counts for nothing but count of all rows. No values: count is 0, all others null. */
function accumulatorOf({ run, ref, distinct }: Aggregate, budget: Budget): Accumulator {
  const accumulator = accumulators[run]()
  if (!ref) return { add: (_, times) => accumulator.add(null, ref, times), result: accumulator.result }
  const seen = distinct ? new Set<unknown>() : undefined
  return {
    add(frame, times) {
      const value = ref.read(frame)
      if (rank(value) === 0) return
      if (seen) {
        const before = seen.size
        if (seen.add(identity(value)).size === before) return
        budget.charge(40 + weight(value), 'distinct values')
      }
      accumulator.add(value, ref, seen ? 1 : times)
    },
    result: accumulator.result,
  }
}

interface Running {
  /** `times`: only counts take more than one. */
  add(value: unknown, ref: Ref | undefined, times?: number): void
  result: () => unknown
}

const accumulators: Record<Aggregate['run'], () => Running> = {
  count() {
    let count = 0
    return { add: (_, __, times = 1) => (count += times), result: () => count }
  },
  sum() {
    const sum = new Sum()
    return { add: (value, ref) => sum.add(value, ref), result: () => (sum.count ? sum.value : null) }
  },
  avg() {
    const sum = new Sum()
    return {
      add: (value, ref) => sum.add(value, ref),
      result: () => (sum.count ? sum.value / sum.count : null),
    }
  },
  min: () => extreme(-1),
  max: () => extreme(1),
}

function extreme(direction: 1 | -1): Running {
  let best: unknown = null
  return {
    add(value) {
      if (best === null || compareValues(value, best) * direction > 0) best = value
    },
    result: () => best,
  }
}

/** A sum that does not lose what is small beside what is large (Neumaier's variant of Kahan's summation, 1974). */
class Sum {
  count = 0
  #total = 0
  #lost = 0
  #column = ''

  add(given: unknown, ref: Ref | undefined): void {
    const value = numberOf(given, ref)
    if (ref) this.#column = ref.name
    const total = this.#total + value
    this.#lost += Math.abs(this.#total) >= Math.abs(value) ? this.#total - total + value : value - total + this.#total
    this.#total = total
    this.count++
  }

  /** @throws Problem value_type_wrong where no number holds it: JSON would say null */
  get value(): number {
    if (Number.isFinite(this.#total)) return this.#total + this.#lost
    throw new Problem('value_type_wrong', {
      column: this.#column,
      takes: 'sums below 1.8e308',
      value: 'that of these values',
    })
  }
}

/** A sum over something else than numbers would be wrong in silence. */
function numberOf(value: unknown, ref: Ref | undefined): number {
  if (typeof value === 'number') return value
  throw new Problem('value_type_wrong', { column: ref?.name ?? '', takes: 'only numbers in a sum', value: show(value) })
}

export interface GroupLimits {
  readonly groupsMax: number
  readonly budget: Budget
}

/** The groups of a query while they grow. */
export class Groups {
  readonly #grouping: Grouping
  readonly #limits: GroupLimits
  readonly #groups = new Map<unknown, { keys: unknown[]; accumulators: Accumulator[] }>()

  constructor(grouping: Grouping, limits: GroupLimits) {
    this.#grouping = grouping
    this.#limits = limits
    if (grouping.keys.length === 0) this.#groupOf([])
  }

  /** `times`: of how many rows the frame is one, which differ in nothing that is grouped or computed. */
  add(frame: Frame, times = 1): void {
    for (const accumulator of this.#groupOf(this.#grouping.keys.map((key) => key.read(frame) ?? null)))
      accumulator.add(frame, times)
  }

  /** Puts one row for each group into `out`: its keys as k0, k1, …, its aggregates as a0, a1, … */
  *rows(out: Frame): Stage {
    let count = 0
    for (const group of this.#groups.values()) {
      out[0] = rowOf(group)
      yield true
      if (++count % TICK === 0) yield false
    }
  }

  #groupOf(values: unknown[]): readonly Accumulator[] {
    const name = identity(values.length === 1 ? values[0] : values)
    const known = this.#groups.get(name)
    if (known) return known.accumulators
    const { groupsMax, budget } = this.#limits
    const { aggregates } = this.#grouping
    if (this.#groups.size >= groupsMax)
      throw new Problem('query_too_large', { what: 'groups', limit: groupsMax, setting: 'select.groups_max' })
    if (values.length > 0) budget.charge(100 + weight(values) * 2 + 64 * aggregates.length, 'groups')
    const accumulators = aggregates.map((aggregate) => accumulatorOf(aggregate, budget))
    this.#groups.set(name, { keys: values, accumulators })
    return accumulators
  }
}

/** Puts one row for each group of the rows into `out`. */
export function* grouped(before: Stage, frame: Frame, groups: Groups, out: Frame): Stage {
  let count = 0
  for (const ready of before) {
    if (ready) groups.add(frame)
    if (!ready || ++count % TICK === 0) yield false
  }
  yield* groups.rows(out)
}

function rowOf({ keys, accumulators: parts }: { keys: unknown[]; accumulators: Accumulator[] }): Row {
  const row: Record<string, unknown> = {}
  for (const [number, key] of keys.entries()) row[`k${number}`] = key
  for (const [number, part] of parts.entries()) row[`a${number}`] = part.result()
  return row
}
