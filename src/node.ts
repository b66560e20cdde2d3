import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { Access, DurableAccessStore } from './access/index.js'
import { Dispatcher, loadHandlers, type NodeInfo, type Services } from './api/index.js'
import type { Config } from './config/index.js'
import { Contracts } from './contracts/index.js'
import { HttpServer } from './http/index.js'
import { Disposals } from './lib/index.js'
import { Metrics } from './metrics/index.js'
import { Storage } from './storage/index.js'

export interface NodeOptions {
  config: Config
  log: Logger
  /** Whether answers are checked against their contracts: in tests. */
  checkAnswers?: boolean
}

/** A running node. Dispose of it to stop it cleanly. */
export interface TrellisNode extends AsyncDisposable {
  /** Where it listens. */
  readonly url: string
  /** The first super user when this start has made it. */
  readonly firstUser: { username: string; password: string; generated: boolean } | undefined
  readonly services: Services
}

/** The version of this package. */
export const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/** The composition root: builds every service in order; disposes of them in reverse. */
export async function startNode({ config, log, checkAnswers = false }: NodeOptions): Promise<TrellisNode> {
  await using stack = new Disposals()
  let state: ReturnType<NodeInfo['state']> = 'starting'
  const contracts = new Contracts()
  const metrics = stack.use(new Metrics())
  const storage = stack.use(await Storage.open({ path: config.data_dir, settings: config.storage }))
  const access = stack.use(
    await Access.open({
      store: new DurableAccessStore(storage),
      structure: { hasDatabase: () => false, table: () => undefined }, // until the catalogue is there
      settings: config.access,
      issuer: config.node.name,
    }),
  )
  const firstUser = await access.users.addFirst(config.admin.username, config.admin.password)
  const node: NodeInfo = { name: config.node.name, version, startedAt: Date.now(), state: () => state }
  const services: Services = { node, config, contracts, metrics, access }
  const handlers = await loadHandlers(contracts.all.map(({ contract }) => contract))
  const dispatcher = new Dispatcher({ contracts, handlers, services, gate: access, metrics, checkAnswers })
  const http = stack.use(new HttpServer({ settings: config.http, dispatcher, contracts, metrics, log }))
  const { url } = await http.listen()
  state = 'ready'
  stack.defer(() => {
    state = 'stopping'
  })
  const owned = stack.move()
  return { url, firstUser, services, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() }
}
