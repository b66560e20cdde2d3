import { Problem } from '../lib/index.js'
import type { Json, Mesh, NodeLinks, Route } from '../mesh/index.js'
import type { Tables } from '../tables/index.js'
import type { OutboxWatch, Waiting } from './outbox-watch.js'
import type { Peer, PeerStore } from './peers.js'
import type { Link, Subscriber } from './subscriber.js'
import { isSameTable } from './wire.js'

const PULSE_MS = 1_000
const DISCOVER_MS = 300
/** Of the outbox's limit in bytes: from here on it says that it is filling. */
const NEARLY_FULL = 0.8

export interface StatusOptions {
  mesh: Mesh
  tables: Tables
  peers: PeerStore
  incarnation: string
  operationsPort: () => number
  clusterPort: number
  startedAt: number
  outbox: OutboxWatch
  subscriber: (peer: string) => Subscriber | undefined
  published: () => number
}

/** How one table stands between this node and a peer. */
export interface TableStatus {
  schema: string
  table: string
  publish: boolean
  subscribe: boolean
  /** Changes of the peer that are not here yet; null while the peer cannot be asked. */
  entries_behind: number | null
  seconds_behind: number | null
  /** When the last change of the peer came, and the time of that change: milliseconds since 1970. */
  last_applied_at: number | null
  last_applied_time: number | null
  conflicts: number
  in_sync: boolean | null
  full_copy: { reason: string; rows: number } | null
  last_full_copy: { reason: string; rows: number; at: number } | null
}

export interface ConnectionStatus {
  node_name: string
  status: 'open' | 'closed' | 'catching up'
  ports: { clustering: number | null; operations_api: number | null }
  latency_ms: number | null
  uptime: string | null
  subscriptions: TableStatus[]
  last_error: string | null
  refused_messages: number
  /** What of our log the node has not taken; null when nothing goes there. */
  waiting: Omit<Waiting, 'node'> | null
}

export interface NodeOfNetwork {
  name: string
  /** Milliseconds; null for a node that did not answer in time. */
  response_time: number | null
  connected_nodes?: string[]
  routes?: Route[]
}

interface Pulse {
  uptimeMs: number
  ports: { clustering: number; operations_api: number }
  behind: { entries: number; seconds: number }[]
}

interface NetworkAnswer {
  connected: string[]
  routes: Route[]
  links: NodeLinks
}

/** Says how the mesh is, from what this node knows and what the others answer now. */
export class StatusReader {
  readonly #options: StatusOptions

  constructor(options: StatusOptions) {
    this.#options = options
    const { clusterPort, mesh, operationsPort, startedAt } = options
    mesh.requests.serve('pulse', async () => ({
      uptimeMs: Date.now() - startedAt,
      ports: { clustering: clusterPort, operations_api: operationsPort() },
    }))
    mesh.requests.serve('network', async () => ({
      connected: (await mesh.requests.discover(DISCOVER_MS)).filter((name) => name !== mesh.nodeName),
      routes: this.#routes() as unknown as Json,
      links: (await this.#ownLinks()) as unknown as Json,
    }))
  }

  async connections(): Promise<ConnectionStatus[]> {
    return await Promise.all([...this.#options.peers.peers.values()].map((peer) => this.#connection(peer)))
  }

  async warnings(): Promise<string[]> {
    const { mesh } = this.#options
    const state = await mesh.outbox.ensure().catch(() => undefined)
    const warnings = [...mesh.warnings, ...this.#options.outbox.warnings()]
    const { hub, leaf } = mesh.servers
    for (const [name, server] of Object.entries({ hub, leaf })) {
      if (server && server.state !== 'running') warnings.push(`The ${name} server is not running: ${server.state}.`)
    }
    if (state && state.bytes > mesh.outbox.bytesMax * NEARLY_FULL) {
      warnings.push('The outbox is nearly full: nodes that are away will be brought up from the log instead.')
    }
    return warnings
  }

  /** Every node in reach, asked at the same time; silent ones stand in the list as such. */
  async network(timeoutMs: number): Promise<NodeOfNetwork[]> {
    const { mesh, peers } = this.#options
    const started = performance.now()
    const isThere = await mesh.requests.reachesServer(timeoutMs / 4)
    const ownTime = isThere ? Math.round(performance.now() - started) : null
    const found = await mesh.requests.discover(Math.min(DISCOVER_MS, timeoutMs / 2))
    const others = new Set([...found, ...peers.peers.keys()])
    others.delete(mesh.nodeName)
    const own: NodeOfNetwork = {
      name: mesh.nodeName,
      response_time: ownTime,
      connected_nodes: found.filter((name) => name !== mesh.nodeName).sort(),
      routes: this.#routes(),
    }
    const left = Math.max(50, timeoutMs - (performance.now() - started))
    const answers = await Promise.all([...others].sort().map((name) => this.#nodeOfNetwork(name, left)))
    return [own, ...answers]
  }

  /** How nodes are joined: this one, the named ones and all others in reach. */
  async links(names: readonly string[]): Promise<NodeLinks[]> {
    const { mesh } = this.#options
    const others = new Set([...names, ...(await mesh.requests.discover(DISCOVER_MS))])
    others.delete(mesh.nodeName)
    const answers = await Promise.all(
      [...others].map((name) =>
        mesh.requests.ask(name, 'network', null, PULSE_MS).then(
          (answer) => (answer as unknown as NetworkAnswer).links,
          (): NodeLinks => ({ name, hubs: [], leafs: [], leafOnly: false }),
        ),
      ),
    )
    return [await this.#ownLinks(), ...answers]
  }

  async #nodeOfNetwork(name: string, timeoutMs: number): Promise<NodeOfNetwork> {
    const started = performance.now()
    try {
      const { requests } = this.#options.mesh
      await requests.ask(name, 'pulse', null, timeoutMs)
      const response_time = Math.round(performance.now() - started)
      const left = Math.max(50, timeoutMs - response_time)
      const answer = (await requests.ask(name, 'network', null, left)) as unknown as NetworkAnswer
      return { name, response_time, connected_nodes: [...answer.connected].sort(), routes: answer.routes }
    } catch {
      return { name, response_time: null, connected_nodes: [], routes: [] }
    }
  }

  async #connection({ name, subscriptions }: Peer): Promise<ConnectionStatus> {
    const { peers, subscriber } = this.#options
    const reader = subscriber(name)
    const started = performance.now()
    const pulse = await this.#pulse(name).catch((error: unknown) => error as Error)
    const latency = Math.round((performance.now() - started) * 100) / 100
    const alive = !(pulse instanceof Error)
    const tables = await this.#tables(name, subscriptions, alive)
    const link: Link = reader?.link ?? (alive ? 'open' : 'closed')
    const trouble = alive ? reader?.lastError : pulse instanceof Problem ? pulse.message : String(pulse)
    const copying = subscriptions.some((one) => peers.position(name, one)?.copy)
    return {
      node_name: name,
      status: !alive ? 'closed' : copying ? 'catching up' : link,
      ports: alive ? pulse.ports : { clustering: null, operations_api: null },
      latency_ms: alive ? latency : null,
      uptime: alive ? uptimeText(pulse.uptimeMs) : null,
      subscriptions: tables,
      last_error: trouble || null,
      refused_messages: reader?.refused ?? 0,
      waiting: this.#waiting(name),
    }
  }

  #waiting(name: string): Omit<Waiting, 'node'> | null {
    const found = this.#options.outbox.waiting().find(({ node }) => node === name)
    if (!found) return null
    const { node: _, ...waiting } = found
    return waiting
  }

  async #pulse(name: string): Promise<Pulse> {
    return (await this.#options.mesh.requests.ask(name, 'pulse', null, PULSE_MS)) as unknown as Pulse
  }

  async #tables(name: string, subscriptions: Peer['subscriptions'], alive: boolean): Promise<TableStatus[]> {
    const { mesh, peers } = this.#options
    const wanted = subscriptions.filter(({ subscribe }) => subscribe)
    const positions = wanted.map(({ database, table }) => {
      const sequence = peers.position(name, { database, table })?.sequence ?? 0
      return { database, table, sequence }
    })
    const answer =
      alive && positions.length > 0
        ? await mesh.requests.ask(name, 'behind', { positions }, PULSE_MS).catch(() => undefined)
        : undefined
    const behind = answer as { entries: number; seconds: number }[] | undefined
    return subscriptions.map(({ database, publish, subscribe, table }) => {
      const place = positions.findIndex((one) => isSameTable(one, { database, table }))
      const far = subscribe ? behind?.[place] : undefined
      const position = peers.position(name, { database, table })
      return {
        schema: database,
        table,
        publish,
        subscribe,
        entries_behind: far?.entries ?? null,
        seconds_behind: far?.seconds ?? null,
        last_applied_at: position?.at || null,
        last_applied_time: position?.time || null,
        conflicts: position?.conflicts ?? 0,
        in_sync: far ? far.entries === 0 && !position?.copy : null,
        last_full_copy: position?.copied ?? null,
        full_copy: position?.copy ? { reason: position.copy.reason, rows: position.copy.rows } : null,
      }
    })
  }

  #routes(): Route[] {
    const { hub, leaf } = this.#options.mesh.routes
    return [...hub, ...leaf]
  }

  async #ownLinks(): Promise<NodeLinks> {
    const { mesh } = this.#options
    const named = async (server: 'hub' | 'leaf') =>
      (await Promise.all(mesh.routes[server].map((route) => mesh.nodeAt(server, route)))).filter(
        (name) => name !== undefined,
      )
    const [hubs, leafs] = await Promise.all([named('hub'), named('leaf')])
    return { name: mesh.nodeName, hubs, leafs, leafOnly: mesh.servers.hub === undefined }
  }
}

/** Like "30d 1h 18m 8s", without leading zeros. */
export function uptimeText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000)
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first < 0 ? 3 : first)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}
