import type { Value } from './values.js'

/** A double where ints and doubles must be told apart: only in scripts that divide values of unknown type. */
export class Double {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

export class List {
  readonly items: Value[]

  constructor(items: Value[] = []) {
    this.items = items
  }
}

/** What dictionaries and sets tell apart: 1 and 1.0 are one key, 1 and "1" are two. */
export type Key = string | number | boolean

/** Elements in the order of their first insertion. */
export class SetOf {
  readonly items = new Map<Key, Value>()
}

/** Entries in the order of their first insertion. */
export class Dict {
  readonly entries = new Map<Key, Value>()
}
