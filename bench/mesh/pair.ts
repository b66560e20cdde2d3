import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { meshSettings } from '../../test/support/cluster.js'
import { eventually } from '../../test/support/eventually.js'
import { ADMIN, basic } from '../../test/support/node.js'

/** What a member is to do with a table. */
export interface Order {
  what: 'fill' | 'pace' | 'look' | 'hold' | 'publish' | 'read'
  table: string
  count: number
  batch: number
}

export interface Reply {
  /** Of the order; the first reply of a member has none. */
  id?: number
  times?: number[]
  error?: string
  url?: string
}

const program = fileURLToPath(new URL('./member.js', import.meta.url))

/** One node with its hub and leaf, as the bench sees it. */
export class Member {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly url: string
  #count = 0

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child
    this.#folder = folder
    this.url = url
  }

  /** @param profiles folder for what the processors did; empty: none */
  static async start(folder: string, settings: Record<string, string>, profiles: string): Promise<Member> {
    mkdirSync(folder)
    const execArgv = profiles === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
    const child = fork(program, [folder, JSON.stringify(settings)], { execArgv })
    const [{ url }] = (await once(child, 'message')) as [Reply]
    return new Member(child, folder, url!)
  }

  async order(what: Order['what'], table: string, count: number, batch = 1): Promise<number[]> {
    const id = this.#count++
    this.#child.send({ id, order: { what, table, count, batch } satisfies Order })
    for (;;) {
      const [reply] = (await once(this.#child, 'message')) as [Reply]
      if (reply.id !== id) continue
      if (reply.error !== undefined) throw new Error(reply.error)
      return reply.times!
    }
  }

  async ok<Body>(body: object): Promise<Body> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: basic(ADMIN) },
      body: JSON.stringify(body),
    })
    const answer = (await response.json()) as Body
    if (!response.ok) throw new Error(JSON.stringify(answer))
    return answer
  }

  /** The node, its hub and its leaf. */
  get pids(): number[] {
    const server = (name: string) =>
      Number(readFileSync(join(this.#folder, 'mesh', `${name}.pid`), 'utf8').split(' ')[0])
    return [this.#child.pid!, server('hub'), server('leaf')]
  }

  async end(): Promise<void> {
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }
}

/** Runs on two nodes, a and b, that have a route to each other. */
export async function withPair(profiles: string, run: (a: Member, b: Member) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-bench-mesh-'))
  const members: Member[] = []
  try {
    const of = await Promise.all(['a', 'b'].map((name) => meshSettings(name, { 'log.level': 'silent' })))
    for (const [place, { settings }] of of.entries())
      members.push(await Member.start(join(folder, 'ab'[place]!), settings, profiles))
    const [a, b] = members as [Member, Member]
    const routes = [{ host: '127.0.0.1', port: of[0]!.clusterPort }]
    await b.ok({ operation: 'cluster_set_routes', server: 'hub', routes })
    const ask = { operation: 'cluster_network', timeout: 1_000 }
    await eventually('a sees b', async () => {
      const { nodes } = await a.ok<{ nodes: { response_time: number | null }[] }>(ask)
      return nodes.length === 2 && nodes.every(({ response_time }) => response_time !== null)
    })
    await run(a, b)
  } finally {
    for (const member of members) await member.end()
    rmSync(folder, { recursive: true, force: true })
  }
}
