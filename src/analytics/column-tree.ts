import type { ColumnPart } from './protocol.js'

/** People by value, of all partitions. */
export interface ColumnTree {
  readonly people: number[]
  readonly values: { readonly value: string | number | boolean; readonly counts: number[] }[]
}

/** Adds up the parts of the workers: a person is in one partition only. */
export function mergeColumnParts(parts: readonly ColumnPart[], segments: number): ColumnTree {
  const people = new Array<number>(segments).fill(0)
  const byValue = new Map<string | number | boolean, number[]>()
  for (const part of parts) {
    for (let at = 0; at < segments; at++) people[at]! += part.people[at]!
    part.values.forEach((value, index) => {
      let counts = byValue.get(value)
      if (!counts) {
        counts = new Array<number>(segments).fill(0)
        byValue.set(value, counts)
      }
      for (let at = 0; at < segments; at++) counts[at]! += part.counts[index * segments + at]!
    })
  }
  return { people, values: [...byValue].map(([value, counts]) => ({ value, counts })) }
}
