// replication owns what nodes share: which tables go where, and that every change arrives once.
export type { Agreed, Skipped } from './agreement.js'
export { Clustering, type ClusteringSettings } from './clustering.js'
export type { CopyPreview } from './copy-preview.js'
export type { Subscription } from './peers.js'
export type { Replication } from './replication.js'
export type { ConnectionStatus, NodeOfNetwork, TableStatus } from './status.js'
export type { Comparison, Difference } from './verification.js'
export type { Wanted } from './wish.js'
