// storage owns the data folder: its lock, its format, and the one LMDB environment of all that is not events.

export { BinaryEnvironment, type Write } from './binary-environment.js'
export { EnvironmentCopier } from './environment-copies.js'
export { readFailureOf } from './failure.js'
export { makeFolder, RECORDS, RESTORING, usable } from './folder.js'
export type { Migration } from './format.js'
export type { WriteTransaction } from './group.js'
export { beginIncarnation, type Incarnation, incarnationOf } from './incarnation.js'
export {
  AFTER_VALUES,
  afterPrefix,
  decodeId,
  decodeValue,
  encodeId,
  encodeTextPrefix,
  encodeValue,
  endOfValue,
  endOfValueIn,
  exactValue,
  isKeyValue,
  numberIn,
  tags,
} from './key.js'
export type { KeyCursor, KeyRange, Keyspace } from './keyspace.js'
export { type Idempotency, type Receipt, Replays } from './replays.js'
export { StorageSnapshot } from './snapshot.js'
export { type Pauses, Storage, type StorageOptions, type StorageSettings } from './storage.js'
