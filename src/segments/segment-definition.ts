import { Problem } from '../lib/index.js'

/** What is written down about a stored segment. */
export interface SegmentDefinition {
  readonly name: string
  readonly script: string
  /** When it was computed, in milliseconds since 1970, and how long that took. */
  readonly computedAt: number
  readonly costMs: number
  /** Milliseconds; null lives for ever. */
  readonly ttlMs: number | null
  readonly refreshMs: number | null
  readonly onInsert: boolean
  /** Computed from other segments, without looking at events. */
  readonly fromSegments: boolean
  /** Names of the columns that the script may know, where its author did not see all. */
  readonly columns?: readonly string[]
  /** Names of the columns that decide who is in, also by way of other segments. */
  readonly reads?: readonly string[]
  /** The numbers of these columns, 0 for what every event has: a column that is made anew under a name has another. */
  readonly readIds?: readonly number[]
  /** Who made it: a user in one of its lives. */
  readonly maker?: Omit<Maker, 'mayBuild'>
}

/** Who makes, changes or drops segments. */
export interface Maker {
  readonly username: string
  /** When the user was made: a later one of the same name is somebody else. */
  readonly since: number
  /** Whether they may change the table, and with it the segments of others. */
  readonly mayBuild: boolean
}

/** Who asks; the node itself may all. */
export interface Asker {
  /** Names of the columns that they may know; undefined: all. */
  readonly columns?: readonly string[] | undefined
  readonly maker?: Maker | undefined
}

/** A script, and what its author may know. */
export type Script = Pick<SegmentDefinition, 'script' | 'columns'>
/** A stored segment as it is asked for. */
export type Wanted = Script & Pick<SegmentDefinition, 'name' | 'ttlMs' | 'refreshMs' | 'onInsert' | 'maker'>

export function isExpired({ computedAt, ttlMs }: Pick<SegmentDefinition, 'computedAt' | 'ttlMs'>): boolean {
  return ttlMs !== null && Date.now() - computedAt >= ttlMs
}

/** Whether somebody may change or drop a segment of this definition. */
export function mayChange({ maker }: SegmentDefinition, by: Maker | undefined): boolean {
  if (!by || by.mayBuild) return true
  return maker?.username === by.username && maker.since === by.since
}

export function notYours({ name }: SegmentDefinition): Problem {
  const who = 'who made it, and those who may change the structure of the database'
  const reason = `Segment '${name}' is changed and dropped by ${who}`
  return new Problem('forbidden', {}, { unauthorized_access: [reason], invalid_schema_items: [] })
}
