import type { EventTable } from '../../src/analytics/index.js'

/** The table of the test that kills the process, and what its batches hold. */
export const crashTable: EventTable = {
  id: 1,
  version: 1,
  partitions: 7,
  zOrder: [],
  foldCase: false,
  columns: [
    { id: 1, name: 'batch', type: 'int', isSet: false },
    { id: 2, name: 'word', type: 'text', isSet: false },
    { id: 3, name: 'words', type: 'text', isSet: true },
  ],
}

export const PEOPLE = 40

/** Every third batch is atomic. Stamps go back and forth, so that folds merge. */
export function batchOf(number: number) {
  return Array.from({ length: PEOPLE }, (_, person) => ({
    person: `p${person}`,
    stamp: 1_500_000_000_000 + ((number * 7919) % 100_000) * 1000 + number,
    action: 'a',
    _: { batch: number, word: `word ${number % 50} of ${person}`, words: [`w${number % 9}`, 'x'] },
  }))
}

export function isAtomic(number: number): boolean {
  return number % 3 === 0
}
