// analytics owns event tables' data: people, their events in blocks and deltas, and the workers that scan them.
export { ContentDigest, type DigestText } from './content-digest.js'
export type { EventLimits, Rejection } from './event-reader.js'
export type { Sharing } from './outgoing.js'
export type { CellValue, PersonRow } from './person-rows.js'
export {
  type ColumnFilter,
  type CopyPart,
  type CopyPlace,
  EVERYONE,
  type InsertAnswer,
  type Keep,
  type OutgoingNote,
  type PersonDigest,
  type PopulationInfo,
  type Reactions,
  type ReactProgram,
  type SegmentUse,
  type Sizes,
  type StoreSettings,
  type TableFigures,
} from './protocol.js'
export { ACTION_COLUMN, type EventColumn, type EventTable, type PersonId } from './schema.js'
export { problemOf } from './script-problem.js'
export { EventStore, type InsertOptions, type QueryControl, type ScanQuery, type StoreOptions } from './store.js'
