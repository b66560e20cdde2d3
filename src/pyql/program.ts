import type { Population, ScanBlock } from './block.js'
import type { AccumulatorColumns } from './runtime/accumulators.js'

/** What a column of an event table may hold. */
export type ColumnType = 'text' | 'int' | 'double' | 'bool'

/** A column as scripts know it. */
export interface TableColumn {
  readonly name: string
  readonly type: ColumnType
  readonly isSet: boolean
}

/** event: a group tree by tally; segment: who tallies; histogram: a number for each person; trigger: messages. */
export type Mode = 'event' | 'segment' | 'histogram' | 'trigger'

/** A value that can be written in a script, or be a group. */
export type Scalar = string | number | boolean | null

/**
 * A compiled script. Plain data: it can be posted to a worker, which makes a scan of it with `createScan`.
 * `source` is JavaScript made from a closed tree; the script's own texts are only in `constants`.
 */
export interface Program {
  readonly mode: Mode
  readonly source: string
  /** The script, for pictures of errors at run time. */
  readonly text: string
  readonly constants: readonly Scalar[]
  /** Slot by slot, the columns that the program reads; `__action` among them when it is read. */
  readonly columns: readonly TableColumn[]
  /**
   * Conditions of which a block must be able to fulfil at least one, or no person of it can change the result:
   * the block's column of the slot holds one of `values`. Empty: every block must be scanned.
   */
  readonly needs: readonly BlockNeed[]
  readonly aggregates: readonly Aggregate[]
  /** Whether the text of person ids is needed (tally(person)); else `personId` is never called. */
  readonly readsPersonId: boolean
  /** Names of functions that take no parameters: the entry points of a trigger. */
  readonly functions: readonly string[]
  /** Names of segments that set functions (population, union …) take. A script with set math scans nobody. */
  readonly setMath: SetMath | null
  /** Whether `each_value` is read: foreach makes no sense without it. */
  readonly readsEach: boolean
}

export interface BlockNeed {
  readonly slot: number
  readonly values: readonly (string | number | boolean)[]
}

export type AggregateKind = 'count' | 'sum' | 'min' | 'max' | 'avg' | 'val' | 'var'

export interface Aggregate {
  readonly kind: AggregateKind
  /** The name by which `sort` finds it. */
  readonly alias: string
  readonly type: ColumnType | 'any'
  /** A missing value is shown as 0, else as None. */
  readonly numeric: boolean
  /** var: carries a value instead of counting tallies. */
  readonly carried: boolean
}

/** A segment computed from other segments alone. */
export type SetMath =
  | { readonly op: 'population' | 'complement'; readonly of: readonly [string] }
  | { readonly op: 'union' | 'intersection' | 'difference'; readonly of: readonly [string, string, ...string[]] }

/** One value for all people of one scan. */
export interface ScanOptions {
  /** Milliseconds; `now` in scripts. The same for every worker of one query. */
  readonly now: number
  /** A longer gap than this many milliseconds begins a new session. */
  readonly sessionTime: number
  /** Histograms: the distinct values of the column of foreach. */
  readonly each?: readonly Scalar[]
  /** Histograms: values are cut down to multiples of this. */
  readonly bucket?: number
  /** Histograms: what is there or above counts there. */
  readonly max?: number
  /** Word 0 is not 0 once the query is cancelled. On a SharedArrayBuffer: workers in a loop see no messages. */
  readonly cancel?: Int32Array
  /** How long one call may scan, in milliseconds, but for the person at whom it is over; absent: to the end. */
  readonly sliceMs?: number
  /** Keep what debug() and log() were given. */
  readonly trace: boolean
  /** Triggers: longer messages are cut off. */
  readonly messageCharactersMax?: number
  readonly limits: ScanLimits
}

export interface ScanLimits {
  /** Steps of loops and calls for one person. */
  readonly stepsMax: number
  /** Elements and characters in containers and texts made for one person. */
  readonly memoryMax: number
  /** Groups in the result. */
  readonly nodesMax: number
  /** Characters of all texts in the result. */
  readonly charactersMax: number
  /** Frames of calls. */
  readonly depthMax: number
  /** Lines kept by debug() and log(). */
  readonly traceMax: number
}

/** A program at work in one worker: blocks in, a partial result out. Not for several threads. */
export interface Scan {
  /**
   * Scans the people of a block, or of those the ones in the population. A segment script sets the bits of those who
   * are in, in `members`, which has a bit for every person of the partition. Throws PyqlError on a run-time error.
   * Begins at a place among the people of the block and gives the place where its slice was over, at least one further;
   * without `sliceMs` it is the end.
   */
  run(block: ScanBlock, population?: Population, members?: Population, from?: number): number
  /** Triggers: runs one of `program.functions` for the people of a block, or for those in the population. */
  call(block: ScanBlock, entry: string, population?: Population): TriggerOutcome[]
  /** What was counted so far, to be merged; plain data that can be posted. The scan ends with it. */
  partial(): PartialResult
}

/** What a trigger did for one person. */
export interface TriggerOutcome {
  readonly person: string | number
  /** What the function returned; null for None. */
  readonly returned: Scalar
  /** What it emitted: then the trigger is done for this person. */
  readonly emitted: readonly Scalar[]
  readonly scheduled: readonly { readonly afterMs: number; readonly entry: string }[]
  readonly log: readonly string[]
  /** Why the script failed for this person. */
  readonly error?: string
}

/** Result of one worker for one segment: a tree of groups in columns. Node 0 is the root; parents come before children. */
export interface PartialResult {
  /** Keys of groups, by number; 0 is None. */
  readonly keys: readonly Scalar[]
  readonly parent: Int32Array
  /** By node, the number of its key. */
  readonly key: Int32Array
  /** By aggregate. */
  readonly columns: readonly AccumulatorColumns[]
  readonly debug: readonly unknown[]
  readonly log: readonly string[]
}
