// jobs owns long work in the background: its records, progress, limits, cancelling, and going on after a restart.
export { Deletions, type RowRemover } from './deletions.js'
export { Exports, type TableMoment } from './exports.js'
export { Folder } from './folder.js'
export {
  type JobReader,
  type JobSettings,
  Jobs,
  type JobsOptions,
  type NewJob,
  type Replays,
  type Started,
} from './jobs.js'
export type { LoadAction, RowStore } from './load/load.js'
export { Loads } from './load/loads.js'
export type { JobView, Progress, RowError } from './record.js'
export type { JobRun, Step, Work } from './run.js'
