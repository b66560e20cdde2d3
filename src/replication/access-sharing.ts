import { createHash } from 'node:crypto'
import type { Access, RoleRecord, SharedAccess, UserRecord } from '../access/index.js'
import { Problem } from '../lib/index.js'
import type { Json, Log, Mesh } from '../mesh/index.js'
import type { Storage } from '../storage/index.js'
import type { PeerStore } from './peers.js'

const PULL_MS = 5_000
const ASK_MS = 3_000
const RECORDS_MAX = 100_000

export interface AccessSharingOptions {
  access: Access
  mesh: Mesh
  peers: PeerStore
  storage: Storage
  log: Log
}

/** What a node tells of its users and roles: all of them, and which were dropped when. */
interface AccessState {
  users: UserRecord[]
  roles: RoleRecord[]
  /** "user/NAME" or "role/ID" → milliseconds since 1970. */
  gone: Record<string, number>
}

/**
 * Keeps users and roles alike on nodes that share tables and have `clustering.replicate_access` on: the later change of
 * each wins, by the clocks of the nodes. They are few, so nodes compare a digest now and then, and at once after a change.
 */
export class AccessSharing implements AsyncDisposable {
  readonly #options: AccessSharingOptions
  readonly #timer: NodeJS.Timeout
  #known: ReadonlySet<string>
  #pulling: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: AccessSharingOptions) {
    this.#options = options
    const { access, mesh } = options
    this.#known = namesOf(access.shared)
    access.onChange(() => this.#changed())
    mesh.requests.serve('access', async (body, from) => {
      if (!options.peers.peers.has(from)) throw new Problem('node_removed', { node: from })
      const state = this.#state()
      return (body as { digest?: unknown }).digest === digestOf(state) ? null : (state as unknown as Json)
    })
    mesh.requests.serve('access_changed', async (_, from) => {
      if (options.peers.peers.has(from)) this.#pull([from])
      return null
    })
    this.#timer = setInterval(() => this.#pull([...options.peers.peers.keys()]), PULL_MS).unref()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#pulling
  }

  #state(): AccessState {
    const { access, peers } = this.#options
    const { roles, users } = access.shared
    return { users: [...users.values()], roles: [...roles.values()], gone: Object.fromEntries(peers.gone) }
  }

  /** Notes what is not there any more, and tells the peers that something is new. */
  #changed(): void {
    const { access, log, mesh, peers, storage } = this.#options
    const now = namesOf(access.shared)
    const dropped = [...this.#known].filter((name) => !now.has(name) && !peers.gone.has(name))
    const back = [...now].filter((name) => peers.gone.has(name))
    this.#known = now
    const done = storage.write((transaction) => {
      for (const name of dropped) peers.putGone(transaction, name, Date.now())
      for (const name of back) peers.putGone(transaction, name, undefined)
    })
    done
      .then(() => {
        for (const peer of peers.peers.keys()) mesh.requests.ask(peer, 'access_changed', null, ASK_MS).catch(() => {})
      })
      .catch((error: unknown) => log.error({ error: String(error) }, 'what was dropped could not be noted'))
  }

  #pull(from: readonly string[]): void {
    this.#pulling = this.#pulling.then(async () => {
      for (const peer of from) if (!this.#stopped) await this.#pullFrom(peer)
    })
  }

  async #pullFrom(peer: string): Promise<void> {
    const { log, mesh } = this.#options
    try {
      const answer = await mesh.requests.ask(peer, 'access', { digest: digestOf(this.#state()) }, ASK_MS)
      if (answer === null) return
      if (!isState(answer)) throw new Problem('node_answer_refused', { node: peer })
      await this.#merge(answer, peer)
    } catch (error) {
      log.debug({ peer, error: String(error) }, 'users and roles cannot be compared')
    }
  }

  async #merge(theirs: AccessState, peer: string): Promise<void> {
    const { access, peers, storage } = this.#options
    const { roles, users } = access.shared
    const changes: [string, UserRecord | RoleRecord | undefined][] = []
    const consider = (name: string, record: UserRecord | RoleRecord, own: UserRecord | RoleRecord | undefined) => {
      const gone = peers.gone.get(name)
      if (gone !== undefined && gone >= record.updated) return
      if (!own || isLater(record, own)) changes.push([name, record])
    }
    for (const role of theirs.roles) consider(`role/${role.id}`, role, roles.get(role.id))
    for (const user of theirs.users) consider(`user/${user.username}`, user, users.get(user.username))
    const gone = Object.entries(theirs.gone).filter(([name, time]) => {
      const own = name.startsWith('user/') ? users.get(name.slice(5)) : roles.get(name.slice(5))
      return own !== undefined && time > own.updated
    })
    await storage.write((transaction) => {
      for (const [name, time] of gone) peers.putGone(transaction, name, time)
    })
    for (const [name] of gone) changes.push([name, undefined])
    if (changes.length > 0) await access.adopt(new Map(changes), peer)
  }
}

const namesOf = ({ roles, users }: SharedAccess) =>
  new Set([...[...users.keys()].map((name) => `user/${name}`), ...[...roles.keys()].map((id) => `role/${id}`)])

const text = (value: unknown) => JSON.stringify(value)

function isLater(a: UserRecord | RoleRecord, b: UserRecord | RoleRecord): boolean {
  return a.updated > b.updated || (a.updated === b.updated && text(a) > text(b))
}

function digestOf({ gone, roles, users }: AccessState): string {
  const lines = [...users.map(text), ...roles.map(text), ...Object.entries(gone).map(text)].sort()
  return createHash('sha256').update(lines.join('\n')).digest('base64url')
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isUser = (value: unknown): value is UserRecord =>
  isObject(value) &&
  ['username', 'password', 'role'].every((name) => typeof value[name] === 'string' && value[name] !== '') &&
  typeof value.active === 'boolean' &&
  ['generation', 'created', 'updated'].every((name) => Number.isFinite(value[name]))

const isRole = (value: unknown): value is RoleRecord =>
  isObject(value) &&
  ['id', 'role'].every((name) => typeof value[name] === 'string' && value[name] !== '') &&
  isObject(value.permission) &&
  ['created', 'updated'].every((name) => Number.isFinite(value[name]))

function isState(value: unknown): value is AccessState {
  if (!isObject(value) || !Array.isArray(value.users) || !Array.isArray(value.roles) || !isObject(value.gone))
    return false
  if (value.users.length + value.roles.length > RECORDS_MAX) return false
  return value.users.every(isUser) && value.roles.every(isRole) && Object.values(value.gone).every(Number.isFinite)
}
