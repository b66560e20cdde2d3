import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { loadConfig } from '../../src/config/index.js'
import { beginIncarnation, Storage } from '../../src/storage/index.js'
import { meshSettings } from '../support/cluster.js'
import { eventually } from '../support/eventually.js'
import { type KillableNode, startKillable } from '../support/killable-node.js'
import { ADMIN, basic, onNode } from '../support/node.js'
import { trellis } from '../support/trellis.js'
import { type Cut, Wire } from '../support/wire.js'

export type Part = 'node' | 'hub' | 'leaf'

interface Member {
  name: string
  folder: string
  environment: Record<string, string>
  settings: Record<string, string>
  clusterPort: number
  process: KillableNode | undefined
  /** What stands between the others and its hub. */
  wire: Wire | undefined
}

/** Who shares the table with whom. */
export interface Way {
  from: string
  to: string
  /** Only what the first writes goes to the second. */
  oneWay?: boolean
}

export interface TrialOptions {
  /** Settings of a node, and NODE_OPTIONS of its process. */
  over?: (name: string) => Record<string, string>
  /** By default everybody shares with everybody, both ways. */
  ways?: readonly Way[]
  /** Whether ways can be cut. Every hub then has an address of its own on loopback, as Linux lets it. */
  wired?: boolean
}

interface Status {
  connections: { node_name: string; status: string; subscriptions: { conflicts: number; in_sync: boolean | null }[] }[]
}

const TABLE = { schema: 'dev', table: 'dog' }

/** Real nodes as processes, all sharing one table with all, written to without pause while things are done to them. */
export class Trial implements AsyncDisposable {
  readonly #folder: string
  readonly #members = new Map<string, Member>()
  /** What was acknowledged, by key: the value that the record must have on every node. */
  readonly acknowledged = new Map<string, number>()
  /** Keys whose last write was not answered: it may have happened or not, but everywhere alike. */
  readonly unknown = new Set<string>()
  /** Keys that were deleted: no node may have them. */
  readonly deleted = new Set<string>()
  #writing = false
  #writers: Promise<void>[] = []
  #count = 0

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async start(
    names: readonly string[],
    { over = () => ({}), ways = everyPair(names), wired = false }: TrialOptions = {},
  ): Promise<Trial> {
    const trial = new Trial(mkdtempSync(join(tmpdir(), 'trellis-trial-')))
    try {
      for (const [place, name] of names.entries()) {
        await trial.#add(name, over(name), wired ? `127.0.0.${place + 2}` : undefined)
      }
      await Promise.all(names.map((name) => trial.begin(name)))
      await trial.#join()
      await trial.#share(ways)
      return trial
    } catch (error) {
      await trial[Symbol.asyncDispose]()
      throw error
    }
  }

  get names(): string[] {
    return [...this.#members.keys()]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopWriting()
    for (const { process, wire } of this.#members.values()) {
      await process?.kill()
      await wire?.[Symbol.asyncDispose]()
    }
    await delay(100)
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  /** One operation on one node. Rejects when it is refused, or not answered in time. */
  async ask<Body>(name: string, body: object, timeoutMs = 10_000): Promise<Body> {
    const { process } = this.#members.get(name)!
    if (!process) throw new Error(`${name} is down`)
    const response = await fetch(process.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: basic(ADMIN) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    })
    const answer = (await response.json()) as Body
    if (response.status >= 300) throw new Error(`${name}: ${JSON.stringify(answer)}`)
    return answer
  }

  /** Writers on nodes: single inserts, batches, and updates of what they wrote. */
  startWriting(pauseMs = 2, names: readonly string[] = this.names): void {
    this.#writing = true
    this.#writers = names.map((name) => this.#write(name, pauseMs))
  }

  /** Writes records through one node, `batch` with each request, as fast as it answers to 16 callers. */
  async fill(name: string, count: number, batch: number): Promise<void> {
    let next = 0
    const caller = async () => {
      for (let from = next; from < count; from = next) {
        next += batch
        const records = Array.from({ length: Math.min(batch, count - from) }, (_, place) => ({
          id: `${name}-bulk-${from + place}`,
          value: from + place,
          text: 'x'.repeat(60),
        }))
        await this.ask(name, { operation: 'insert', ...TABLE, records }, 60_000)
        for (const { id, value } of records) this.acknowledged.set(id, value)
      }
    }
    await Promise.all(Array.from({ length: 16 }, caller))
  }

  async stopWriting(): Promise<void> {
    this.#writing = false
    await Promise.all(this.#writers)
  }

  /** kill -9 of one part of a node; a node is started again at once, servers are its own business. */
  async kill(name: string, part: Part): Promise<void> {
    const member = this.#members.get(name)!
    if (part === 'node') {
      await member.process?.kill()
      member.process = undefined
      await this.begin(name)
    } else this.signal(name, part, 'SIGKILL')
  }

  async end(name: string): Promise<void> {
    const member = this.#members.get(name)!
    await member.process?.kill()
    member.process = undefined
  }

  async begin(name: string): Promise<void> {
    const member = this.#members.get(name)!
    member.process = await startKillable(member.folder, member.environment)
  }

  signal(name: string, part: 'hub' | 'leaf', signal: NodeJS.Signals): void {
    const file = join(this.#members.get(name)!.folder, 'mesh', `${part}.pid`)
    try {
      process.kill(Number(readFileSync(file, 'utf8').split(' ')[0]), signal)
    } catch {
      // Between two lives of the server.
    }
  }

  /** Cuts a node off from all others. */
  cut(name: string, how: Cut): void {
    const others = this.names.filter((other) => other !== name)
    this.#members.get(name)!.wire!.cut(others, how)
    for (const other of others) this.#members.get(other)!.wire!.cut([name], how)
  }

  heal(): void {
    for (const { wire } of this.#members.values()) wire!.heal()
  }

  /** Has a node make a backup of itself, as a user does. */
  async makeBackup(name: string): Promise<void> {
    const response = await fetch(this.#members.get(name)!.process!.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: basic(ADMIN) },
      body: JSON.stringify({ operation: 'create_backup' }),
    })
    writeFileSync(join(this.#folder, `${name}.tar`), Buffer.from(await response.arrayBuffer()))
  }

  /** Loses a node with its disk, and makes it anew from its backup: routes are no part of that. */
  async replace(name: string): Promise<void> {
    const member = this.#members.get(name)!
    rmSync(member.folder, { recursive: true })
    const { code, err } = await trellis(['restore', join(this.#folder, `${name}.tar`), '--data_dir', member.folder])
    if (code !== 0) throw new Error(err)
    await this.begin(name)
    const [other] = [...this.#members.values()].filter((one) => one !== member)
    await this.#route(name, other!)
  }

  /** Copies a node's folder as a backup would be. The node must be down. */
  backup(name: string): void {
    cpSync(this.#members.get(name)!.folder, join(this.#folder, `${name}.backup`), { recursive: true })
  }

  /** Puts the backup in the folder's place, which then knows that it is a copy. */
  async restore(name: string): Promise<void> {
    const { folder } = this.#members.get(name)!
    rmSync(folder, { recursive: true })
    cpSync(join(this.#folder, `${name}.backup`), folder, { recursive: true })
    const { storage: settings } = loadConfig({ flags: [] })
    await using storage = await Storage.open({ path: folder, settings })
    await beginIncarnation(storage, Date.now())
  }

  /** Deletes what nats-server keeps of a node. */
  deleteStore(name: string): void {
    rmSync(join(this.#members.get(name)!.folder, 'mesh', 'leaf'), { recursive: true, force: true })
  }

  /** Waits until every node has the same records as every other, by content hash. Answers how long it took. */
  async healed(withinMs?: number): Promise<number> {
    const started = performance.now()
    await eventually(
      `equal content on every node of ${this.names}`,
      async () => {
        for (const name of this.names) {
          const answer = await this.ask<{ equal: boolean }>(name, { operation: 'verify_replicas', ...TABLE }).catch(
            () => undefined,
          )
          if (!answer?.equal) return false
        }
        return true
      },
      withinMs,
    )
    return performance.now() - started
  }

  async conflicts(): Promise<number> {
    const all = await Promise.all(this.names.map((name) => this.ask<Status>(name, { operation: 'cluster_status' })))
    const subscriptions = all.flatMap(({ connections }) => connections.flatMap(({ subscriptions }) => subscriptions))
    return subscriptions.reduce((sum, { conflicts }) => sum + conflicts, 0)
  }

  /**
   * Stops the nodes and opens their folders: every acknowledged write is there with its value, each change stands once
   * in each log, and the indexes say what a scan says. Answers what is wrong.
   */
  async faults(): Promise<string[]> {
    await this.stopWriting()
    const faults: string[] = []
    await Promise.all(this.names.map((name) => this.end(name)))
    for (const { folder, name, settings } of this.#members.values()) {
      await onNode(
        folder,
        async ({ node }) => {
          const { catalog, tables } = node.services
          using snapshot = tables.snapshot()
          const reader = snapshot.table('dev', 'dog')!
          const rows = new Map([...reader.scan()].map((row) => [row.id as string, row]))
          for (const [key, value] of this.acknowledged) {
            const row = rows.get(key)
            const wrong = !row || (row.value !== value && !this.unknown.has(key))
            if (wrong) faults.push(`${name}: ${key} should be ${value} and is ${row?.value}`)
          }
          for (const key of this.deleted) if (rows.has(key)) faults.push(`${name}: ${key} was deleted and is there`)
          const seen = new Set<string>()
          const schema = catalog.table('dev', 'dog')
          for (const entry of tables.changes.read({ tableId: schema.id, limit: 10_000_000 })) {
            for (const key of entry.keys) {
              const change = `${key} ${entry.time} ${entry.origin}`
              if (seen.has(change)) faults.push(`${name}: the change ${change} stands twice in the log`)
              seen.add(change)
            }
          }
          const indexed = [...reader.range({ attribute: 'value' })].sort().join()
          const scanned = [...rows.values()]
            .filter(({ value }) => value !== undefined)
            .map(({ id }) => id as string)
            .sort()
            .join()
          if (indexed !== scanned) faults.push(`${name}: the index of value differs from a scan`)
        },
        { ...settings, 'clustering.enabled': 'false' },
      )
    }
    return faults
  }

  async #add(name: string, over: Record<string, string>, host: string | undefined): Promise<void> {
    const folder = join(this.#folder, name)
    mkdirSync(folder)
    const { clusterPort, settings } = await meshSettings(name, {
      ...over,
      ...(host ? { 'clustering.host': host } : {}),
    })
    const { NODE_OPTIONS, ...own } = settings
    const entries = Object.entries(own)
    const environment = Object.fromEntries(
      entries.map(([path, value]) => [`TRELLIS_${path.replaceAll('.', '_').toUpperCase()}`, value]),
    )
    if (NODE_OPTIONS) environment.NODE_OPTIONS = NODE_OPTIONS
    // Hubs tell each other of hubs by the address from which these come, which is the wire's.
    const wire = host ? await Wire.open('127.0.0.1', clusterPort, { host, port: clusterPort }) : undefined
    this.#members.set(name, { name, folder, environment, settings: own, clusterPort, process: undefined, wire })
  }

  /** Each node has a route to the one before. */
  async #join(): Promise<void> {
    const members = [...this.#members.values()]
    await Promise.all(members.slice(1).map(({ name }, before) => this.#route(name, members[before]!)))
  }

  async #route(name: string, { clusterPort }: Member): Promise<void> {
    const routes = [{ host: '127.0.0.1', port: clusterPort }]
    await this.ask(name, { operation: 'cluster_set_routes', server: 'hub', routes })
  }

  async #share(ways: readonly Way[]): Promise<void> {
    await this.ask(this.names[0]!, { operation: 'create_table', ...TABLE, hash_attribute: 'id' })
    for (const { from, oneWay = false, to } of ways) {
      const subscriptions = [{ ...TABLE, publish: true, subscribe: !oneWay }]
      const request = { operation: 'add_node', node_name: to, subscriptions, timeout: 1_000 }
      await eventually(`${from} shares with ${to}`, () =>
        this.ask(from, request).then(
          () => true,
          () => false,
        ),
      )
    }
  }

  async #write(name: string, pauseMs: number): Promise<void> {
    let last: string | undefined
    while (this.#writing) {
      const turn = this.#count++
      const size = turn % 10 === 0 ? 20 : 1
      const isUpdate = turn % 5 === 1 && last !== undefined && !this.unknown.has(last)
      const keys = isUpdate ? [last!] : Array.from({ length: size }, (_, place) => `${name}-${turn}-${place}`)
      const records = keys.map((id) => ({ id, value: turn, text: `written on ${name}` }))
      const operation = isUpdate ? 'update' : 'insert'
      try {
        await this.ask(name, { operation, ...TABLE, records }, 5_000)
        for (const key of keys) this.acknowledged.set(key, turn)
        last = keys[0]
        await delay(pauseMs)
      } catch {
        for (const key of keys) this.unknown.add(key)
        await delay(50)
      }
    }
  }
}

const everyPair = (names: readonly string[]): Way[] =>
  names.flatMap((from, place) => names.slice(place + 1).map((to) => ({ from, to })))
