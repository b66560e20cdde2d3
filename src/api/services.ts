import type { Access } from '../access/index.js'
import type { Backups } from '../backup/index.js'
import type { Catalog } from '../catalog/index.js'
import type { Config, LiveConfig } from '../config/index.js'
import type { Contracts } from '../contracts/index.js'
import type { Deletions, Exports, IndexBuilds, Jobs, Loads } from '../jobs/index.js'
import type { LogTail, Problem } from '../lib/index.js'
import type { Metrics } from '../metrics/index.js'
import type { Clustering } from '../replication/index.js'
import type { EventQueries, Events } from '../segments/index.js'
import type { Incarnation } from '../storage/index.js'
import type { Queries, Tables, Writes } from '../tables/index.js'
import type { Triggers } from '../triggers/index.js'

/** What a node tells of itself. */
export interface NodeInfo {
  readonly name: string
  readonly version: string
  /** When the process was ready: milliseconds since 1970. */
  readonly startedAt: number
  /** Which life of its data it lives: a restored copy is not the folder that it was copied from. */
  readonly incarnation: Incarnation
  /** starting → ready → stopping */
  state(): 'starting' | 'ready' | 'stopping'
  /** Why the storage, or that of the events, takes no writes any more; undefined as long as both do. */
  storageFailure(): Problem | undefined
}

/** The subsystems that handlers may use; each takes its slice with Needs<'…'>. */
export interface Services {
  readonly node: NodeInfo
  readonly config: Config
  /** Changes of the configuration while the node runs. */
  readonly settings: LiveConfig
  /** The newest lines of the log. */
  readonly logTail: LogTail
  readonly contracts: Contracts
  readonly metrics: Metrics
  readonly access: Access
  readonly catalog: Catalog
  readonly events: Events
  readonly eventQueries: EventQueries
  readonly tables: Tables
  readonly queries: Queries
  readonly clustering: Clustering
  readonly writes: Writes
  readonly jobs: Jobs
  readonly loads: Loads
  readonly exports: Exports
  readonly deletions: Deletions
  readonly indexBuilds: IndexBuilds
  readonly backups: Backups
  readonly triggers: Triggers
}
