import type { Problem } from '../lib/index.js'
import type { Population, Program, Scalar, ScanLimits, TriggerOutcome } from '../pyql/index.js'
import type { Batch } from './batch.js'
import type { ColumnLimits } from './column-size.js'
import type { DigestText } from './content-digest.js'
import type { EventLimits, Rejection } from './event-reader.js'
import type { Note, Sharing } from './outgoing.js'
import type { Piece } from './partition-copy.js'
import type { Moved } from './places.js'
import type { EventTable, PersonId } from './schema.js'

/** What a worker is started with. */
export interface WorkerStart {
  readonly folder: string
  /** This worker owns environment e when e % workers is its number. */
  readonly worker: number
  readonly workers: number
  readonly environments: number
  readonly settings: StoreSettings
}

export interface StoreSettings {
  readonly limits: EventLimits
  readonly rowsPerPersonMax: number
  /** How long what became of an insert is kept for its repeat. */
  readonly receiptLifeMs: number
  /** Inserts that may be under way. */
  readonly insertsMax: number
  /** Characters in the rows of one person that are answered. */
  readonly resultCharactersMax: number
  /** Decoded columns kept in memory, of each worker. */
  readonly cacheBytesMax: number
}

/** The name of the population that everyone is in. */
export const EVERYONE = '*'

/** Whom a scan counts: a kept population by name, or everyone. */
export interface SegmentUse {
  readonly name: string
  /** Of a segment that is kept up on insert: what decides about people who have changed. */
  readonly program?: Program
}

export interface ScanRequest {
  readonly kind: 'scan'
  readonly table: number
  readonly program: Program
  readonly segments: readonly SegmentUse[]
  readonly options: {
    readonly now: number
    readonly sessionTime: number
    readonly each?: readonly Scalar[]
    readonly bucket?: number
    readonly max?: number
    readonly trace: boolean
    readonly limits: ScanLimits
  }
  /** Word 0: cancelled; word 1: people scanned, by all workers. */
  readonly flags: Int32Array
  /** Segments: where the population is kept. */
  readonly keep?: Keep
}

/** A population to keep in memory, until it is forgotten or stored under a lasting name. */
export interface Keep {
  readonly name: string
  /** Note who changes, so that the population can be kept up. */
  readonly watch?: boolean
}

export interface ColumnRequest {
  readonly kind: 'column'
  readonly table: number
  readonly column: string
  readonly segments: readonly SegmentUse[]
  readonly bucket?: number
  readonly filter?: ColumnFilter
  readonly limits: ColumnLimits
  readonly flags: Int32Array
}

/** Numbers: bounds. Texts: equality, a pattern for the whole text, or a part of it. */
export interface ColumnFilter {
  readonly gt?: number
  readonly gte?: number
  readonly lt?: number
  readonly lte?: number
  readonly eq?: number | string | boolean
  readonly pattern?: string
  readonly part?: string
}

/** People by value, in one worker. `counts` has a number for each segment. */
export interface ColumnPart {
  /** People with any value, by segment. */
  readonly people: number[]
  readonly values: readonly (string | number | boolean)[]
  /** Value by value, one number for each segment. */
  readonly counts: Uint32Array
}

/** Whom triggers are asked about: the people of inserts that they have not seen, or some by their ids. */
export interface ReactRequest {
  readonly kind: 'react'
  readonly table: number
  readonly programs: readonly ReactProgram[]
  readonly now: number
  readonly limits: ScanLimits
  readonly messageCharactersMax?: number
  /** Inserts of one partition that are looked at in one go. */
  readonly arrivalsMax: number
  /** Instead of the people of inserts. */
  readonly people?: readonly PersonId[]
}

export interface ReactProgram {
  readonly id: string
  readonly program: Program
  readonly entry: string
}

export interface Reactions {
  readonly outcomes: readonly { readonly id: string; readonly outcome: TriggerOutcome }[]
  /** What scripts have said with log(). */
  readonly log: readonly string[]
  /** What to give back once the outcomes are stored. */
  readonly seen: readonly { readonly environment: number; readonly key: Uint8Array }[]
}

/** Rows that wait to be sent to other nodes, from one environment of one table. */
export interface OutgoingNote extends Note {
  readonly environment: number
  readonly table: number
}

/** Where a copy of a table goes on: a person of a partition by number, and a row of that person. */
export interface CopyPlace {
  readonly partition: number
  readonly person: number
  readonly row: number
}

export interface CopyPart {
  /** Events in JSON, with commas between. */
  readonly text: string
  readonly rows: number
  /** Where this partition goes on; absent at its end. */
  readonly next?: CopyPlace
}

/** A person's rows as one hash. */
export interface PersonDigest extends DigestText {
  readonly person: PersonId
}

export interface PopulationInfo {
  readonly name: string
  readonly header: string
  readonly people: number
}

export interface InsertRequest extends Sent {
  readonly kind: 'insert'
  readonly table: number
  /** The node where these events were inserted first, when they come from another one. */
  readonly origin?: string | undefined
  /** Names an insert that may be sent again: what became of its events is stored with them. */
  readonly receipt?: string | undefined
}

/** Events as they were sent. */
export interface Sent {
  /** JSON text of an array, JSON lines, or the events themselves. */
  readonly body: string | readonly unknown[]
  readonly lines: boolean
  /** Names of the columns that whoever sends them may fill; absent: all. */
  readonly only?: readonly string[] | undefined
}

/** What an atomic insert is about to do. */
export interface Intent {
  readonly table: number
  readonly batches: readonly (Batch | undefined)[]
  readonly receipt?: string | undefined
}

export interface InsertAnswer {
  readonly inserted: number
  readonly duplicates: number
  readonly rejected: readonly Rejection[]
  readonly warnings: readonly string[]
}

/** A population that is not stored: of a request, or on its way to be stored. */
export interface MemoryPopulation {
  readonly name: string
  readonly bits: Population
  readonly rightAt: number | undefined
}

/** What has come into a partition since its copy began, and all that changes. */
export interface CopyRest {
  readonly pieces: readonly Piece[]
  readonly memory: readonly MemoryPopulation[]
}

/** Of what a worker owns. */
export interface Sizes {
  readonly liveBytes: number
  readonly fileBytes: number
  readonly cacheBytes: number
}

export interface TableFigures {
  readonly people: number
  readonly events: number
  readonly delta: number
  readonly blocks: number
}

export type Request =
  | { readonly kind: 'schema'; readonly table: EventTable }
  | InsertRequest
  | (Sent & {
      readonly kind: 'atomic'
      readonly table: number
      readonly receipt?: string | undefined
    })
  | {
      readonly kind: 'batch'
      readonly table: number
      readonly environment: number
      readonly batch: Batch
      readonly origin?: string | undefined
      readonly receipt?: string | undefined
    }
  | {
      readonly kind: 'check'
      readonly table: number
      readonly environment: number
      readonly batch: Batch
      readonly receipt?: string | undefined
    }
  | { readonly kind: 'intend'; readonly intent: Intent | undefined }
  | { readonly kind: 'forget_receipt'; readonly receipt: string }
  | { readonly kind: 'recover' }
  | { readonly kind: 'sweep'; readonly tables: readonly number[] }
  | ScanRequest
  | ColumnRequest
  | { readonly kind: 'person'; readonly table: number; readonly person: PersonId; readonly columns: readonly string[] }
  | {
      readonly kind: 'combine'
      readonly table: number
      readonly program: Program
      readonly names: readonly SegmentUse[]
      readonly keep: Keep
    }
  | {
      readonly kind: 'promote'
      readonly table: number
      readonly from: string
      readonly name: string
      readonly header: string
    }
  | { readonly kind: 'bring_up'; readonly table: number; readonly names: readonly SegmentUse[] }
  | { readonly kind: 'watch'; readonly table: number; readonly watched: boolean }
  | ReactRequest
  | { readonly kind: 'reacted'; readonly seen: Reactions['seen'] }
  | { readonly kind: 'share'; readonly table: number; readonly sharing: Sharing }
  | { readonly kind: 'outgoing'; readonly charactersMax: number }
  | ({ readonly kind: 'copy'; readonly table: number; readonly charactersMax: number } & CopyPlace)
  | { readonly kind: 'digests'; readonly table: number; readonly partition: number; readonly buckets: number }
  | {
      readonly kind: 'contents'
      readonly table: number
      readonly partition: number
      readonly buckets: number
      readonly bucket: number
    }
  | { readonly kind: 'populations'; readonly table: number }
  | { readonly kind: 'forget'; readonly table: number; readonly names: readonly string[] }
  | { readonly kind: 'fold'; readonly table: number }
  | { readonly kind: 'figures'; readonly table: number }
  | { readonly kind: 'drop'; readonly table: number }
  | { readonly kind: 'pause_writes' }
  | { readonly kind: 'resume_writes' }
  | { readonly kind: 'forget_dead_readers' }
  | {
      readonly kind: 'adopt'
      readonly folder: string
      readonly environments: number
      readonly from: number
      readonly table: number
    }
  | { readonly kind: 'sizes' }
  | { readonly kind: 'places' }
  | { readonly kind: 'use_places'; readonly moved: readonly Moved[] }
  | { readonly kind: 'place'; readonly moved: Moved }
  | {
      readonly kind: 'copy_start' | 'copy_next' | 'copy_rest' | 'copy_end'
      readonly table: number
      readonly partition: number
    }
  | { readonly kind: 'clear' | 'expect' | 'arrived'; readonly place: Moved }
  | { readonly kind: 'take'; readonly place: Moved; readonly pieces: readonly Piece[] }
  | {
      readonly kind: 'take_memory'
      readonly table: number
      readonly partition: number
      readonly memory: readonly MemoryPopulation[]
    }
  | { readonly kind: 'close' }

/** What a worker tells the main thread: an environment of its takes no more writes. */
export interface Notice {
  readonly kind: 'failed'
  readonly facts: Problem['facts']
}
