import type { Mode } from './program.js'
import { dateFunctions } from './runtime/dates.js'

/** Names that are read like variables, with or without (). */
export const rowValues = new Set([
  ...['event_time', '__stamp', 'first_event', 'last_event', 'now', 'first_match', 'prev_match'],
  ...['person', 'people', 'session', '__session', 'session_count', 'event_count', 'iter_get'],
])

export interface BuiltIn {
  readonly least: number
  readonly most: number
  /** Stands alone on a line: it does something, and gives no value. */
  readonly statement?: true
  /** Only in scripts of these modes. */
  readonly modes?: readonly Mode[]
}

const of = (least: number, most = least): BuiltIn => ({ least, most })
const does = (least: number, most: number, ...modes: Mode[]): BuiltIn => ({
  ...{ least, most, statement: true },
  ...(modes.length > 0 ? { modes } : {}),
})
const unlimited = 1000

export const functions: Readonly<Record<string, BuiltIn>> = {
  ...Object.fromEntries(Object.keys(dateFunctions).map((name) => [name, of(1)])),
  ...{ int: of(1), float: of(1), str: of(1), len: of(1), trunc: of(1), round: of(1, 2), fix: of(1, 2), bucket: of(2) },
  ...{ url_decode: of(1), list: of(0, unlimited), set: of(0, unlimited), dict: of(0, unlimited) },
  ...{ iter_within: of(2), iter_between: of(2) },
  ...{ iter_next: does(0, 0), iter_prev: does(0, 0), iter_set: does(1, 1) },
  ...{ iter_move_first: does(0, 0), iter_move_last: does(0, 0) },
  ...{ log: does(0, unlimited), debug: does(1, 1) },
  tally: does(0, 16, 'event', 'segment'),
  emit: does(1, 1, 'trigger'),
  schedule: does(2, 2, 'trigger'),
}

export const moves = new Set(['iter_next', 'iter_prev', 'iter_set', 'iter_move_first', 'iter_move_last'])

/** Methods of containers and texts, and how many arguments they take. */
export const methods: Readonly<Record<string, BuiltIn>> = {
  ...{ append: of(1, unlimited), add: of(1, unlimited), update: of(1, unlimited), remove: of(1, unlimited) },
  ...{ pop: of(0), clear: of(0), keys: of(0), find: of(1, 3), rfind: of(1, 3), split: of(1), strip: of(0) },
}

/** Functions on segments, and how many names they take at least. */
export const setFunctions: Readonly<
  Record<string, { op: 'population' | 'complement' | 'union' | 'intersection' | 'difference'; least: number }>
> = {
  population: { op: 'population', least: 1 },
  complement: { op: 'complement', least: 1 },
  compliment: { op: 'complement', least: 1 },
  union: { op: 'union', least: 2 },
  intersection: { op: 'intersection', least: 2 },
  difference: { op: 'difference', least: 2 },
}

export const maximumAggregates = 64
