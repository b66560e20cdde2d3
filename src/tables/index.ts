// tables owns records: how they are kept, indexed, tied by foreign keys, logged, and found.
export { Batch, type BatchSettings, type WriteOptions, type Written } from './batch.js'
export { ChangeLog, isSameTransaction, type LogEntry, type LoggedOperation, type RawEntry } from './change-log.js'
export type { Bound, IndexRange, Key, Row, Snapshot, TableReader } from './reader.js'
export type { Applied, RangeDigest, RemoteChange, RemoteRecord, Replica } from './replica.js'
export * from './select/index.js'
export { type Author, Tables, type TablesOptions, type TablesSettings } from './tables.js'
export { transplant } from './transplant.js'
export { Writes } from './writes.js'
