import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { loadConfig } from '../../src/config/index.js'
import { beginIncarnation, Storage } from '../../src/storage/index.js'
import { meshSettings } from '../support/cluster.js'
import { type KillableNode, startKillable } from '../support/killable-node.js'
import { eventually } from '../support/mesh.js'
import { ADMIN, basic, onNode } from '../support/node.js'

export type Part = 'node' | 'hub' | 'leaf'

interface Member {
  name: string
  folder: string
  environment: Record<string, string>
  settings: Record<string, string>
  clusterPort: number
  process: KillableNode | undefined
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
  #writing = false
  #writers: Promise<void>[] = []
  #count = 0

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async start(
    names: readonly string[],
    over: (name: string) => Record<string, string> = () => ({}),
  ): Promise<Trial> {
    const trial = new Trial(mkdtempSync(join(tmpdir(), 'trellis-trial-')))
    try {
      for (const name of names) await trial.#add(name, over(name))
      await trial.#shareAll()
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
    for (const { process } of this.#members.values()) await process?.kill()
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

  /** Writers on every node: single inserts, batches, and updates of what they wrote. */
  startWriting(pauseMs = 2): void {
    this.#writing = true
    this.#writers = this.names.map((name) => this.#write(name, pauseMs))
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
  async healed(withinMs: number): Promise<number> {
    const started = performance.now()
    await eventually(`equal content on every node of ${this.names}`, withinMs, async () => {
      for (const name of this.names) {
        const answer = await this.ask<{ equal: boolean }>(name, { operation: 'verify_replicas', ...TABLE }).catch(
          () => undefined,
        )
        if (!answer?.equal) return false
      }
      return true
    })
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
    for (const member of this.#members.values()) await this.end(member.name)
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

  async #add(name: string, over: Record<string, string>): Promise<void> {
    const folder = join(this.#folder, name)
    mkdirSync(folder)
    const { clusterPort, settings } = await meshSettings(name, over)
    const { NODE_OPTIONS, ...own } = settings
    const entries = Object.entries(own)
    const environment = Object.fromEntries(
      entries.map(([path, value]) => [`TRELLIS_${path.replaceAll('.', '_').toUpperCase()}`, value]),
    )
    if (NODE_OPTIONS) environment.NODE_OPTIONS = NODE_OPTIONS
    this.#members.set(name, { name, folder, environment, settings: own, clusterPort, process: undefined })
    await this.begin(name)
  }

  /** Each node has a route to the one before, and shares the table with all. */
  async #shareAll(): Promise<void> {
    const members = [...this.#members.values()]
    for (const [place, { name }] of members.entries()) {
      const before = members[place - 1]
      if (!before) continue
      const routes = [{ host: '127.0.0.1', port: before.clusterPort }]
      await this.ask(name, { operation: 'cluster_set_routes', server: 'hub', routes })
    }
    const [first] = this.names
    await this.ask(first!, { operation: 'create_table', ...TABLE, hash_attribute: 'id' })
    const subscription = { ...TABLE, publish: true, subscribe: true }
    for (const [place, name] of this.names.entries()) {
      for (const other of this.names.slice(place + 1)) {
        const request = { operation: 'add_node', node_name: other, subscriptions: [subscription], timeout: 1_000 }
        await eventually(`${name} shares with ${other}`, 15_000, () =>
          this.ask(name, request).then(
            () => true,
            () => false,
          ),
        )
      }
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
