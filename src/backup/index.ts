// backup owns copies of the whole node: making them while it serves, verifying them, and bringing them back.
export { type Manifest, pack, unpack } from './archive.js'
export type { Aside } from './aside.js'
export { Backups, type BackupsOptions, readBackup } from './backups.js'
export { type RestoreOptions, restoreFolder } from './restore.js'
