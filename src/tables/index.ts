// tables owns records: how they are kept, indexed, tied by foreign keys, and found.
export type { Bound, IndexRange, Key, Row, Snapshot, TableReader } from './reader.js'
export * from './select/index.js'
