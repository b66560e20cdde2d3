import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Access } from './access/index.js'
import {
  indexBuilderOf,
  jobOwnersOf,
  momentOf,
  openAccess,
  rowRemoverOf,
  rowStoreOf,
  searchOf,
  tableDropperOf,
  triggerSourceOf,
} from './adapters/index.js'
import { Dispatcher, loadHandlers, type NodeInfo, type Services } from './api/index.js'
import { type Aside, Backups } from './backup/index.js'
import { Catalog, type TableSchema } from './catalog/index.js'
import { type Config, LiveConfig } from './config/index.js'
import { Contracts } from './contracts/index.js'
import { HttpServer } from './http/index.js'
import { Deletions, Exports, Folder, IndexBuilds, Jobs, Loads } from './jobs/index.js'
import { Disposals, LogTail, type Problem } from './lib/index.js'
import { Metrics } from './metrics/index.js'
import { Clustering } from './replication/index.js'
import { EventQueries, openEvents } from './segments/index.js'
import { incarnationOf, Replays, Storage } from './storage/index.js'
import { Queries, Tables, Writes } from './tables/index.js'
import { Triggers } from './triggers/index.js'

export interface NodeOptions {
  config: Config
  log: Logger
  /** The newest lines of the log, for read_log. */
  tail?: LogTail
  /** Whether answers are checked against their contracts: in tests. */
  checkAnswers?: boolean
  /** How dear password hashes are, as a power of two: in tests, which start hundreds of nodes. */
  passwordCostLog2?: number | undefined
  /** Is told of the first super user as soon as it is made: if the node then cannot start, its password would be lost. */
  onFirstUser?: (user: FirstUser) => void
}

export interface FirstUser {
  username: string
  password: string
  /** Whether the password was made up. */
  generated: boolean
}

/** A running node. Dispose of it to stop it cleanly. */
export interface TrellisNode extends AsyncDisposable {
  /** Where it listens. */
  readonly url: string
  readonly services: Services
}

/** The version of this package. */
export const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/** The composition root: builds every service in order; disposes of them in reverse. */
export async function startNode(options: NodeOptions): Promise<TrellisNode> {
  const { config, log, tail: logTail = new LogTail(1), checkAnswers = false } = options
  await using stack = new Disposals()
  const life: Life = { state: 'starting', operationsPort: 0, startedAt: Date.now() }
  const contracts = Contracts.read()
  const metrics = stack.use(new Metrics())
  const data = await openData(options, stack, metrics)
  const { access, storage, catalog, replays, tables, events, triggers, incarnation } = data
  const queries = new Queries(() => tables.snapshot(), config.select)
  const writes = new Writes(tables, { ...config.select, records_max: config.tables.cascade_records_max })
  const work = await openJobs(options, stack, { ...data, contracts, metrics, queries })
  await introduceFirstUser(options, access)
  const clustering = stack.use(
    await Clustering.start({
      nodeName: config.node.name,
      dataDir: config.data_dir,
      settings: config.clustering,
      storage,
      catalog,
      tables,
      events,
      limits: config.tables,
      dropTable: tableDropperOf(catalog, events, triggers),
      access,
      operationsPort: () => life.operationsPort,
      startedAt: life.startedAt,
      log,
    }),
  )
  metrics.mesh.measure(() => (clustering.isEnabled ? clustering.replication.outbox.waiting() : []))
  const settings = new LiveConfig(config)
  settings.onChange((path) => {
    if (path === 'log.level') log.level = config.log.level
  })
  const services: Services = {
    ...{ node: nodeInfoOf(config, life, data), config, settings, logTail, contracts, metrics },
    ...{ access, catalog, events, tables, queries, writes, triggers, clustering },
    ...work,
  }
  const handlers = await loadHandlers(contracts.all.map(({ contract }) => contract))
  const dispatcher = new Dispatcher({ contracts, handlers, services, gate: access, metrics, replays, checkAnswers })
  const http = stack.use(new HttpServer({ settings: config.http, dispatcher, contracts, metrics, log }))
  await work.jobs.resume(incarnation.since)
  const { url } = await http.listen()
  life.operationsPort = Number(new URL(url).port)
  life.state = 'ready'
  tables.start(
    (error) => log.error({ err: error }, 'cleaning ended early; the next round tries again'),
    work.indexBuilds.pending(),
  )
  stack.defer(() => {
    life.state = 'stopping'
  })
  const owned = stack.move()
  return { url, services, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() }
}

/** What changes while a node runs. */
interface Life {
  state: ReturnType<NodeInfo['state']>
  /** 0 until it listens. */
  operationsPort: number
  readonly startedAt: number
}

type Data = Awaited<ReturnType<typeof openData>>

/** Opens what the data folder holds: records, events, triggers and users. */
async function openData({ config, log, passwordCostLog2 }: NodeOptions, stack: Disposals, metrics: Metrics) {
  const onFailure = (problem: Problem) => log.fatal({ reason: problem.facts }, problem.message)
  const storage = stack.use(await Storage.open({ path: config.data_dir, settings: config.storage, onFailure }))
  const incarnation = await incarnationOf(storage)
  const catalog = Catalog.open(storage, config.catalog)
  const replayLifeMs = replayLifeOf(config)
  const replays = new Replays(storage, replayLifeMs)
  const tables = stack.use(
    await Tables.open({ storage, catalog, replays, settings: config.tables, node: config.node.name }),
  )
  const events = stack.use(
    await openEvents({
      settings: config.events,
      replayLifeMs,
      folder: join(config.data_dir, 'events'),
      tables: eventTablesOf(catalog),
      observer: metrics.events,
      onFailure,
      onError: (error) => log.error({ err: error }, 'a segment could not be refreshed; it is tried again'),
    }),
  )
  const triggers = stack.use(
    await Triggers.open({
      storage,
      source: triggerSourceOf(catalog, events),
      settings: config.triggers,
      webhooks: config.webhooks,
      metrics: metrics.events,
      onError: (error) => log.error({ err: error }, 'a trigger could not go on; it is tried again'),
      onLog: (lines) => log.info({ script_log: lines }, 'log() of a trigger'),
    }),
  )
  metrics.events.measure(
    () => events.measure(),
    () => triggers.measure(),
  )
  const access = stack.use(await openAccess(storage, catalog, config, passwordCostLog2))
  return { storage, incarnation, catalog, replays, tables, events, triggers, access }
}

type JobNeeds = Data & { contracts: Contracts; metrics: Metrics; queries: Queries }

/** Opens jobs, and all that runs as one. */
async function openJobs(
  { config, log }: NodeOptions,
  stack: Disposals,
  { access, storage, incarnation, catalog, replays, tables, events, contracts, metrics, queries }: JobNeeds,
) {
  const owners = jobOwnersOf(access, contracts)
  const jobs = stack.use(new Jobs({ storage, metrics, replays, owners, settings: config.jobs, log }))
  access.onChange(() => jobs.checkOwners())
  const rightsOf = (user: string, databases?: readonly string[]) => access.rightsOf(user, databases)
  const loads = new Loads({
    jobs,
    rows: rowStoreOf(catalog, tables, rightsOf),
    imports: new Folder(config.jobs.import_dir, 'jobs.import_dir'),
    badRowsMax: config.jobs.bad_rows_max,
    columnsMax: config.catalog.columns_max,
  })
  const exports = new Exports({
    jobs,
    folder: new Folder(config.jobs.export_dir, 'jobs.export_dir'),
    open: (database, table) => momentOf(catalog, tables, database, table),
    search: searchOf(contracts, queries, (user) => rightsOf(user).view),
  })
  const deletions = new Deletions(jobs, rowRemoverOf(catalog, tables, rightsOf))
  const eventQueries = new EventQueries({ events, catalog, jobs, rightsOf, log })
  const indexBuilds = new IndexBuilds(jobs, indexBuilderOf(tables))
  const backups = stack.use(
    await Backups.open({
      storage,
      catalog,
      changes: tables.changes,
      events,
      jobs,
      folder: new Folder(config.backup.dir, 'backup.dir'),
      scratch: join(config.data_dir, 'scratch'),
      about: { version, node: config.node.name, incarnation },
      openAside: (folder) => openAside(folder, config),
    }),
  )
  return { jobs, loads, exports, deletions, eventQueries, indexBuilds, backups }
}

function nodeInfoOf(config: Config, life: Life, { storage, events, incarnation }: Data): NodeInfo {
  return {
    name: config.node.name,
    version,
    startedAt: life.startedAt,
    incarnation,
    state: () => life.state,
    storageFailure: () => storage.failure ?? events.failure,
  }
}

async function introduceFirstUser({ config, log, onFirstUser }: NodeOptions, access: Access): Promise<void> {
  const firstUser = await access.users.addFirst(config.admin.username, config.admin.password)
  if (firstUser) onFirstUser?.(firstUser)
  else if (config.admin.password !== '') void warnOfOtherPassword(access, config.admin, log)
}

/** A password that is configured is that of the first start: who sets another one later must not think that it holds. */
async function warnOfOtherPassword(access: Access, { password, username }: Config['admin'], log: Logger) {
  if (await access.users.isPassword(username, password).catch(() => true)) return
  const reason = 'admin.password is for the first start only, and is not the password of that user now'
  log.warn({ username }, `${reason}; 'trellis reset-password' gives a new one to a node that is stopped`)
}

function eventTablesOf(catalog: Catalog): TableSchema[] {
  const tables = [...catalog.current.databases.values()].flatMap(({ tables }) => [...tables.values()])
  return tables.filter(({ kind }) => kind === 'events')
}

/** How long a repeat of a request is answered as the first time, in milliseconds. */
function replayLifeOf({ tables }: Config): number {
  return tables.replay_life_hours * 3_600_000
}

/** Opens the records of another folder, to look into them, and its events when they are asked for. */
async function openAside(path: string, config: Config): Promise<Aside> {
  await using stack = new Disposals()
  const storage = stack.use(await Storage.open({ path, settings: config.storage }))
  const catalog = Catalog.open(storage, config.catalog)
  const replays = new Replays(storage, 0)
  const tables = stack.use(
    await Tables.open({ storage, catalog, replays, settings: config.tables, node: config.node.name }),
  )
  const owned = stack.move()
  return {
    storage,
    catalog,
    tables,
    openEvents: () =>
      openEvents({
        settings: { ...config.events, workers: 1 },
        replayLifeMs: replayLifeOf(config),
        folder: join(path, 'events'),
        tables: eventTablesOf(catalog),
        onError: () => {}, // nothing is kept up in a folder that is only looked into
      }),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  }
}
