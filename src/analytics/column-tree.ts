import type { Steps } from '../lib/index.js'
import { type ColumnLimits, ColumnSize } from './column-size.js'
import type { ColumnPart } from './protocol.js'

/** People by value, of all partitions. */
export interface ColumnTree {
  readonly people: number[]
  readonly values: { readonly value: string | number | boolean; readonly counts: number[] }[]
}

/** Values that are added up without a pause. */
const STEP_VALUES = 1_000

/**
 * Adds up the parts of the workers: a person is in one partition only. In steps: a column may have a million values.
 * @throws Problem script_limit, result_too_large
 */
export function* mergeColumnParts(
  parts: readonly ColumnPart[],
  segments: number,
  limits: ColumnLimits,
): Steps<ColumnTree> {
  const size = new ColumnSize(limits)
  const people = new Array<number>(segments).fill(0)
  const byValue = new Map<string | number | boolean, number[]>()
  for (const part of parts) {
    for (let at = 0; at < segments; at++) people[at]! += part.people[at]!
    for (const [index, value] of part.values.entries()) {
      if (index % STEP_VALUES === 0) yield
      let counts = byValue.get(value)
      if (!counts) {
        size.add(value)
        counts = new Array<number>(segments).fill(0)
        byValue.set(value, counts)
      }
      for (let at = 0; at < segments; at++) counts[at]! += part.counts[index * segments + at]!
    }
  }
  const values: { value: string | number | boolean; counts: number[] }[] = []
  for (const [value, counts] of byValue) if (values.push({ value, counts }) % STEP_VALUES === 0) yield
  return { people, values }
}
