// jobs owns long work in the background: its records, progress, limits, cancelling, and going on after a restart.
export { Deletions, type OldRecords, type RowRemover } from './deletions.js'
export { Exports, type ExportsOptions, type TableMoment } from './exports.js'
export { type FileIdentity, Folder, type Maker } from './folder.js'
export { type IndexBuilder, IndexBuilds } from './index-builds.js'
export {
  type Author,
  type JobOwners,
  type JobReader,
  type JobSettings,
  Jobs,
  type JobsOptions,
  type Replays,
  type Started,
} from './jobs.js'
export { type LoadAction, type LoadParameters, type RowStore, rightsToLoad } from './load/load.js'
export { Loads } from './load/loads.js'
export type { JobStatus, JobView, Progress, RowError } from './record.js'
export type { JobRun, Step, Work } from './run.js'
