import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NatsConnection } from 'nats'
import { Problem, Turns } from '../lib/index.js'
import { hubConfiguration, LOOPBACK, leafConfiguration, type ServerPlan } from './configuration.js'
import { connectTo } from './connection.js'
import { certifiedName, credentialsFor, dialedName, type TlsPaths } from './credentials.js'
import { readIfThere, writePrivate } from './files.js'
import { watchForgeries } from './forgeries.js'
import { derive, fingerprint, type Identity, identityFromKey, localSecret } from './identity.js'
import type { Log } from './log.js'
import { OutboxStream } from './outbox-stream.js'
import { Requests } from './requests.js'
import { isLoopback, plain, type Route, routeText, sameRoute } from './routes.js'
import { findServer, type ServerBinary, versionWarnings } from './server-binary.js'
import { greeting, ServerProcess, type ServerState } from './server-process.js'

export interface MeshOptions {
  /** Unique in the mesh: letters, digits, `_` and `-`. */
  nodeName: string
  /** Where configurations, stores, keys and routes lie; made when missing, for the owner only. */
  folder: string
  /** Path of nats-server; empty means the one on PATH. */
  serverPath: string
  host: string
  clusterName: string
  /** Undefined for an edge node, which only has a leaf. */
  hub: { port: number; leafnodePort: number; clusterPort: number } | undefined
  leaf: { port: number }
  /** The private key (PEM, see newIdentity) that this node signs with; with TLS the certificate's is used instead. */
  identity: string
  /** What all nodes of a mesh without TLS share; empty means there is none. */
  secret: string
  /** PEM files; undefined means plain text, which stays on loopback. */
  tls: TlsPaths | undefined
  messageBytesMax: number
  storeBytesMax: number
  log: Log
}

export interface ServerStatus {
  state: ServerState
  port: number
  pid: number | undefined
  restarts: number
  startedAt: number
}

export interface Routes {
  hub: Route[]
  leaf: Route[]
}

export interface RoutesSet {
  set: Route[]
  skipped: Route[]
}

export interface RoutesDeleted {
  deleted: Route[]
  skipped: Route[]
}

/** Is told what a change will answer, before it is made, and waited for. */
export type Announce<Outcome> = (outcome: Outcome) => Promise<void>

const NODE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/
const ROUTES_MAX = 256
const GREETING_MS_MAX = 1_000
/** How long a server of ours may be tried to be started again before it is given up. */
const START_MS_MAX = 15_000

/** Whether a text may be a node's name: it becomes part of subjects and file contents. */
export const isNodeName = (text: unknown): text is string => typeof text === 'string' && NODE_NAME.test(text)

/** This node's two servers, its connection to them, its requests and its outbox. */
export class Mesh implements AsyncDisposable {
  readonly nodeName: string
  readonly requests: Requests
  readonly outbox: OutboxStream
  readonly identity: Identity
  readonly warnings: readonly string[]
  readonly #options: MeshOptions
  readonly #parts: Parts
  #routes: Routes
  readonly #names = new Map<string, string>()
  #pinned: readonly string[] = []
  readonly #turns = new Turns()

  /**
   * Starts the servers and connects to them.
   * @throws Problem nats_server_missing, node_name_invalid, mesh_needs_tls (an address that is not loopback without
   * TLS), mesh_needs_secret (routes without a secret or TLS), mesh_store_locked, mesh_configuration_refused,
   * own_server_not_started
   */
  static async start(options: MeshOptions): Promise<Mesh> {
    if (!isNodeName(options.nodeName)) throw new Problem('node_name_invalid', { node: options.nodeName })
    const routes = await savedRoutes(options.folder)
    refuseUnsafe(options, [...routes.hub, ...routes.leaf])
    const binary = await findServer(options.serverPath)
    const identity = identityFromKey(options.tls ? await readFile(options.tls.privateKey, 'utf8') : options.identity)
    const local = await localSecret(options.folder)
    const advertise = options.tls && (await dialedName(options.tls.certificate))
    const parts = new Parts(options, binary, local, advertise)
    try {
      return await parts.begin(routes, async (connection) => {
        const credentials = await credentialsFor(options, identity, local)
        const { log, messageBytesMax, nodeName } = options
        const requests = new Requests(connection, nodeName, identity, credentials, messageBytesMax, log)
        const bytesMax = Math.floor(options.storeBytesMax * 0.9)
        const outbox = new OutboxStream(connection, options.nodeName, identity, bytesMax, options.log)
        return new Mesh(options, parts, routes, identity, requests, outbox, versionWarnings(binary))
      })
    } catch (error) {
      await parts[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor(
    options: MeshOptions,
    parts: Parts,
    routes: Routes,
    identity: Identity,
    requests: Requests,
    outbox: OutboxStream,
    warnings: readonly string[],
  ) {
    this.nodeName = options.nodeName
    this.#options = options
    this.#parts = parts
    this.#routes = routes
    this.identity = identity
    this.requests = requests
    this.outbox = outbox
    this.warnings = warnings
  }

  get routes(): Readonly<Routes> {
    return this.#routes
  }

  get servers(): { hub: ServerStatus | undefined; leaf: ServerStatus } {
    return this.#parts.status()
  }

  get connected(): boolean {
    return this.#parts.connected
  }

  /**
   * Adds routes and puts them into effect. The hub takes them while it runs; a leaf is started again.
   * @param announce is told what will be answered, before anything changes
   * @throws Problem route_to_self, route_refused, mesh_needs_tls, mesh_needs_secret
   */
  async setRoutes(
    server: 'hub' | 'leaf',
    wanted: readonly Route[],
    announce?: Announce<RoutesSet>,
  ): Promise<RoutesSet> {
    const isThere = (route: Route) => this.#routes[server].some((other) => sameRoute(other, route))
    const unknown = wanted.filter((route) => !isThere(route))
    refuseUnsafe(this.#options, unknown)
    for (const route of unknown) await this.#refuseSelf(server, route)
    return await this.#changeRoutes((before) => {
      const outcome: RoutesSet = { set: [], skipped: [] }
      for (const route of wanted.map(plain)) {
        const isKnown = [...before[server], ...outcome.set].some((other) => sameRoute(other, route))
        ;(isKnown ? outcome.skipped : outcome.set).push(route)
      }
      return { routes: { ...before, [server]: [...before[server], ...outcome.set] }, outcome }
    }, announce)
  }

  /** Takes routes away from both servers and puts that into effect. `announce` as above. */
  async deleteRoutes(unwanted: readonly Route[], announce?: Announce<RoutesDeleted>): Promise<RoutesDeleted> {
    return await this.#changeRoutes((before) => {
      const isKept = (route: Route) => !unwanted.some((other) => sameRoute(other, route))
      const isThere = (route: Route) => [...before.hub, ...before.leaf].some((other) => sameRoute(other, route))
      const outcome: RoutesDeleted = { deleted: [], skipped: [] }
      for (const route of unwanted.map(plain)) (isThere(route) ? outcome.deleted : outcome.skipped).push(route)
      return { routes: { hub: before.hub.filter(isKept), leaf: before.leaf.filter(isKept) }, outcome }
    }, announce)
  }

  /**
   * Which certificates the hub accepts, for routes and leafs, by public key (as in Requests); empty accepts all that the
   * authority signed. A peer that is no longer named is disconnected at once. Without TLS it does nothing.
   */
  async pin(publicKeys: readonly string[]): Promise<void> {
    if (!this.#options.tls || !this.#options.hub) return
    const pinned =
      publicKeys.length === 0 ? [] : [...new Set([...publicKeys, this.identity.publicKey])].map(fingerprint)
    await this.#oneByOne(async () => {
      if (pinned.join() === this.#pinned.join()) return
      await this.#parts.restartHub(this.#routes, pinned)
      this.#pinned = pinned
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]()
  }

  /** Servers are changed by one at a time. */
  #oneByOne<T>(change: () => Promise<T>): Promise<T> {
    return this.#turns.take('change', change)
  }

  /** Changes the routes as they are when the turn has come: two who change them at once lose nothing. */
  async #changeRoutes<Outcome>(
    change: (before: Routes) => { routes: Routes; outcome: Outcome },
    announce?: Announce<Outcome>,
  ): Promise<Outcome> {
    return await this.#oneByOne(async () => {
      const before = this.#routes
      const { routes, outcome } = change(before)
      if (routes.hub.length + routes.leaf.length > ROUTES_MAX)
        throw new Problem('too_many_routes', { most: ROUTES_MAX })
      const hasHubChanged = changed(before.hub, routes.hub)
      const hasLeafChanged = changed(before.leaf, routes.leaf)
      if (!hasHubChanged && !hasLeafChanged) return outcome
      await announce?.(outcome)
      // Before the servers have them: what a stop interrupts is carried out by the next start, and a full disk says so
      // while nothing has changed.
      await saveRoutes(this.#options.folder, routes)
      try {
        if (hasHubChanged) await this.#parts.reloadHub(routes, this.#pinned)
        if (hasLeafChanged) await this.#parts.restartLeaf(routes)
      } catch (error) {
        await this.#takeBack(before, hasHubChanged)
        throw error
      }
      this.#routes = routes
      return outcome
    })
  }

  /** A server did not take new routes: the others, and the next start, have the old ones too. */
  async #takeBack(routes: Routes, hub: boolean): Promise<void> {
    try {
      await saveRoutes(this.#options.folder, routes)
      if (hub) await this.#parts.reloadHub(routes, this.#pinned)
    } catch (error) {
      this.#options.log.error({ error: String(error) }, 'routes that were refused could not be taken back')
    }
  }

  /** The name of the node whose server answers at a route; undefined when nobody does. Remembered once it is known. */
  async nodeAt(server: 'hub' | 'leaf', route: Route): Promise<string | undefined> {
    const key = `${server} ${routeText(route)}`
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const name = await this.#whoIs(server, route)
    if (name !== undefined) this.#names.set(key, name)
    return name
  }

  /** Servers greet with their name; behind TLS a hub greets only other hubs, so its certificate has to tell. */
  async #whoIs(server: 'hub' | 'leaf', { host, port }: Route): Promise<string | undefined> {
    const { tls } = this.#options
    if (tls && server === 'hub') return await certifiedName(host, port, tls, GREETING_MS_MAX)
    const there = await greeting(host, port, GREETING_MS_MAX)
    return /^(?:hub|leaf)-(.+)$/.exec(there?.server_name ?? '')?.[1]
  }

  /** A route to our own hub in any spelling: whoever answers there says who it is. */
  async #refuseSelf(server: 'hub' | 'leaf', route: Route): Promise<void> {
    if ((await this.nodeAt(server, route)) === this.nodeName)
      throw new Problem('route_to_self', { route: routeText(route) })
    if (server === 'hub' && !this.#options.hub) throw new Problem('node_has_no_hub', { node: this.nodeName })
  }
}

/** The running pieces, so that a start that fails half-way can be undone. */
class Parts implements AsyncDisposable {
  readonly #options: MeshOptions
  readonly #binary: ServerBinary
  readonly #plan: (routes: Routes, pinned: readonly string[]) => ServerPlan
  readonly #hub: ServerProcess | undefined
  readonly #leaf: ServerProcess
  readonly #local: string
  #connection: NatsConnection | undefined
  #hubConnection: NatsConnection | undefined

  constructor(options: MeshOptions, binary: ServerBinary, local: string, advertise: string | undefined) {
    const { folder, hub, leaf, log, nodeName } = options
    this.#options = options
    this.#binary = binary
    this.#local = local
    const common = { binary, folder, host: LOOPBACK, log }
    this.#hub = hub && new ServerProcess({ ...common, name: 'hub', serverName: `hub-${nodeName}`, port: hub.port })
    this.#leaf = new ServerProcess({ ...common, name: 'leaf', serverName: `leaf-${nodeName}`, port: leaf.port })
    // With TLS the certificate is the proof, and the words below only fill a place that the servers ask for.
    const shared = options.tls ? 'tls' : options.secret || local
    const passwords = {
      route: derive(shared, 'route'),
      leaf: derive(shared, 'leaf'),
      data: derive(local, 'data'),
      system: derive(local, 'system'),
    }
    this.#plan = (routes, pinned) => ({
      ...options,
      advertise,
      passwords,
      tls: options.tls && { ...options.tls, pinned },
      hubRoutes: routes.hub,
      leafRoutes: routes.leaf,
    })
  }

  get connected(): boolean {
    return this.#connection !== undefined && !this.#connection.isClosed()
  }

  async begin<T>(routes: Routes, build: (connection: NatsConnection) => Promise<T>): Promise<T> {
    const plan = this.#plan(routes, [])
    const { version } = this.#binary
    // The hub first: a leaf that finds its hub missing tries again only a second later.
    await this.#hub?.start(hubConfiguration(plan))
    await this.#leaf.start(leafConfiguration(plan, version))
    const { hub, leaf, log } = this.#options
    this.#connection = await this.#connect(leaf.port, 'leaf')
    if (hub) {
      this.#hubConnection = await this.#connect(hub.port, 'hub')
      watchForgeries(this.#hubConnection, log)
    }
    return build(this.#connection)
  }

  #connect(port: number, server: 'hub' | 'leaf'): Promise<NatsConnection> {
    const { log, nodeName, tls } = this.#options
    return connectTo({
      host: LOOPBACK,
      port,
      user: 'data',
      password: derive(this.#local, 'data'),
      certificateAuthority: tls?.certificateAuthority,
      name: `trellis ${nodeName} ${server}`,
      server,
      withinMs: START_MS_MAX,
      log,
    })
  }

  status(): { hub: ServerStatus | undefined; leaf: ServerStatus } {
    const of = ({ state, pid, restarts, startedAt }: ServerProcess, port: number) => ({
      state,
      port,
      pid,
      restarts,
      startedAt,
    })
    const { hub, leaf } = this.#options
    return { hub: this.#hub && of(this.#hub, hub!.clusterPort), leaf: of(this.#leaf, leaf.port) }
  }

  async reloadHub(routes: Routes, pinned: readonly string[]): Promise<void> {
    await this.#hub?.reload(hubConfiguration(this.#plan(routes, pinned)))
  }

  /** Servers do not take another list of certificates for leafs while they run. */
  async restartHub(routes: Routes, pinned: readonly string[]): Promise<void> {
    await this.#hub?.restart(hubConfiguration(this.#plan(routes, pinned)))
  }

  async restartLeaf(routes: Routes): Promise<void> {
    await this.#leaf.restart(leafConfiguration(this.#plan(routes, []), this.#binary.version))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.close()
    await this.#hubConnection?.close()
    await this.#leaf[Symbol.asyncDispose]()
    await this.#hub?.[Symbol.asyncDispose]()
  }
}

const routesFile = (folder: string) => join(folder, 'routes.json')

async function savedRoutes(folder: string): Promise<Routes> {
  const text = await readIfThere(routesFile(folder))
  return text ? (JSON.parse(text) as Routes) : { hub: [], leaf: [] }
}

const saveRoutes = (folder: string, routes: Routes) =>
  writePrivate(routesFile(folder), `${JSON.stringify(routes, null, 2)}\n`)

const changed = (before: readonly Route[], after: readonly Route[]) =>
  before.length !== after.length || before.some((route, place) => !sameRoute(route, after[place]!))

/** Plain text never leaves the machine, and nobody joins without a proof. */
function refuseUnsafe({ host, secret, tls }: MeshOptions, routes: readonly Route[]): void {
  if (tls) return
  const open = [host, ...routes.map((route) => route.host)].find((address) => !isLoopback(address))
  if (open !== undefined) throw new Problem('mesh_needs_tls', { host: open })
  if (routes.length > 0 && secret === '') throw new Problem('mesh_needs_secret', {})
}
