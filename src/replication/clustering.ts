import { join } from 'node:path'
import type { Access } from '../access/index.js'
import type { Catalog } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import { isLoopback, type Log, Mesh } from '../mesh/index.js'
import type { Storage } from '../storage/index.js'
import type { Tables } from '../tables/index.js'
import { AccessSharing } from './access-sharing.js'
import { EventOutbox, type SharedEvents } from './event-outbox.js'
import type { LogLimits } from './outbox-watch.js'
import { PeerStore } from './peers.js'
import { Replication, type ReplicationSettings } from './replication.js'
import { SchemaWatch } from './schema-watch.js'

export interface ClusteringSettings extends ReplicationSettings {
  enabled: boolean
  host: string
  nats_server: string
  name: string
  secret: string
  replicate_access: boolean
  leaf_only: boolean
  message_bytes_max: number
  hub: { port: number; leafnode_port: number; cluster_port: number }
  leaf: { port: number; store_bytes_max: number }
  tls: { certificate: string; private_key: string; certificate_authority: string }
}

export interface ClusteringOptions {
  nodeName: string
  dataDir: string
  settings: ClusteringSettings
  storage: Storage
  catalog: Catalog
  tables: Tables
  /** How much of the log is kept. */
  limits: LogLimits
  events: SharedEvents
  /** Drops a table with all that belongs to it. */
  dropTable: (database: string, table: string) => Promise<void>
  access: Access
  operationsPort: () => number
  startedAt: number
  log: Log
}

/** Clustering of this node: off, running, or failed for a reason that every clustering operation then tells. */
export class Clustering implements AsyncDisposable {
  readonly nodeName: string
  readonly #replication: Replication | undefined
  readonly #problem: Problem
  readonly #eventOutbox: EventOutbox
  readonly #accessSharing: AccessSharing | undefined

  private constructor(
    nodeName: string,
    eventOutbox: EventOutbox,
    replication: Replication | undefined,
    problem: Problem,
    accessSharing?: AccessSharing,
  ) {
    this.#eventOutbox = eventOutbox
    this.#accessSharing = accessSharing
    this.nodeName = nodeName
    this.#replication = replication
    this.#problem = problem
  }

  /** Starts the mesh when it is enabled. What fails is logged and kept: the node itself runs on. */
  static async start(options: ClusteringOptions): Promise<Clustering> {
    const { log, nodeName, settings, storage } = options
    const peers = new PeerStore(storage)
    const schemaWatch = new SchemaWatch(options.catalog, peers, options.tables)
    // Also while clustering is off: peers get what was inserted meanwhile when it is on again.
    const eventOutbox = new EventOutbox({ ...options, republish: settings.republish })
    await eventOutbox.share(peers.published())
    if (!settings.enabled) return new Clustering(nodeName, eventOutbox, undefined, new Problem('clustering_off', {}))
    try {
      const identity = await PeerStore.identity(storage)
      const mesh = await Mesh.start({ ...meshOptions(options), identity })
      const clusterPort = settings.leaf_only ? settings.leaf.port : settings.hub.cluster_port
      const replication = await Replication.start({
        ...options,
        mesh,
        peers,
        schemaWatch,
        eventOutbox,
        clusterPort,
      }).catch(async (error: unknown) => {
        await mesh[Symbol.asyncDispose]() // Else its servers would go on without anybody behind them.
        throw error
      })
      const { access } = options
      const sharing = settings.replicate_access ? new AccessSharing({ access, mesh, peers, log }) : undefined
      return new Clustering(nodeName, eventOutbox, replication, new Problem('clustering_off', {}), sharing)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      log.error({ code: error.code, reason: error.message }, 'clustering does not run; the node runs without it')
      return new Clustering(nodeName, eventOutbox, undefined, error)
    }
  }

  get isEnabled(): boolean {
    return this.#replication !== undefined
  }

  /** Why clustering does not run, when it was asked to. */
  get failure(): string | undefined {
    return this.isEnabled || this.#problem.code === 'clustering_off' ? undefined : this.#problem.message
  }

  /** @throws Problem clustering_off, or why it could not start */
  get replication(): Replication {
    if (!this.#replication) throw this.#problem
    return this.#replication
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#accessSharing?.[Symbol.asyncDispose]()
    await this.#replication?.[Symbol.asyncDispose]()
    await this.#replication?.mesh[Symbol.asyncDispose]()
    await this.#eventOutbox[Symbol.asyncDispose]()
  }
}

function meshOptions({ dataDir, log, nodeName, settings }: ClusteringOptions) {
  const { hub, leaf, tls } = settings
  const files = {
    certificate: tls.certificate,
    privateKey: tls.private_key,
    certificateAuthority: tls.certificate_authority,
  }
  const isWhole = Object.values(files).every((path) => path !== '')
  if (!isWhole && !isLoopback(settings.host)) throw new Problem('mesh_needs_tls', { host: settings.host })
  return {
    nodeName,
    folder: join(dataDir, 'mesh'),
    serverPath: settings.nats_server,
    host: settings.host,
    clusterName: settings.name,
    hub: settings.leaf_only
      ? undefined
      : { port: hub.port, leafnodePort: hub.leafnode_port, clusterPort: hub.cluster_port },
    leaf: { port: leaf.port },
    secret: settings.secret,
    tls: isWhole ? files : undefined,
    messageBytesMax: settings.message_bytes_max,
    storeBytesMax: leaf.store_bytes_max,
    log,
  }
}
