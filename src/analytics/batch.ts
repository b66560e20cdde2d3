import type { ColumnValues } from './codec.js'
import type { PersonId, Storage } from './schema.js'

/** A column of a batch; texts are numbered from 1 within it. */
export interface BatchColumn {
  readonly id: number
  readonly storage: Storage
  readonly isSet: boolean
  readonly values: ColumnValues
  /** By code; code 0 is None. */
  readonly texts: readonly string[]
}

/** Checked rows on their way to the worker that owns their partitions. Plain data, in columns. */
export interface Batch {
  readonly people: readonly PersonId[]
  /** By person of the batch. */
  readonly partitionOf: Uint16Array
  readonly rows: number
  /** By row: the place of its event in the body. Rows of one event are neighbours. */
  readonly event: Uint32Array
  /** By row: an index into `people`. */
  readonly person: Uint32Array
  readonly stamp: Float64Array
  readonly action: Uint32Array
  readonly actions: readonly string[]
  readonly columns: readonly BatchColumn[]
}

/** What became of an event. */
export const Fate = { none: 0, inserted: 1, duplicate: 2, tooManyRows: 3 } as const

/** Fates of events, as far as one worker decides them: pairs of place in the body and fate. */
export interface Outcome {
  readonly events: Uint32Array
  readonly fates: Uint8Array
}
