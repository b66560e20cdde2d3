import { createHash } from 'node:crypto'
import type { Access, RoleRecord, SharedAccess, UserRecord } from '../access/index.js'
import { Problem } from '../lib/index.js'
import type { Json, Log, Mesh } from '../mesh/index.js'
import type { WriteTransaction } from '../storage/index.js'
import type { PeerStore } from './peers.js'

const PULL_MS = 5_000
const ASK_MS = 3_000
const RECORDS_MAX = 100_000

export interface AccessSharingOptions {
  access: Access
  mesh: Mesh
  peers: PeerStore
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
  /** Peers that are to be asked next. */
  readonly #wanted = new Set<string>()
  #pulling: Promise<void> | undefined
  #stopped = false

  constructor(options: AccessSharingOptions) {
    this.#options = options
    const { access, mesh } = options
    access.watch((transaction, changes) => this.#noteGone(transaction, changes))
    access.onChange(() => this.#tell())
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

  /**
   * Notes what goes in the transaction that drops it: else a peer would bring it back, after a kill between the two or
   * when a full disk takes only one.
   */
  #noteGone(transaction: WriteTransaction, changes: ReadonlyMap<string, unknown>): void {
    const { peers } = this.#options
    for (const [name, record] of changes) {
      if (!isShared(name)) continue
      const isNoted = peers.gone.has(name)
      if (record === undefined && !isNoted) peers.putGone(transaction, name, Date.now())
      if (record !== undefined && isNoted) peers.putGone(transaction, name, undefined)
    }
  }

  /** Tells the peers that something is new. */
  #tell(): void {
    const { mesh, peers } = this.#options
    for (const peer of peers.peers.keys()) mesh.requests.ask(peer, 'access_changed', null, ASK_MS).catch(() => {})
  }

  #pull(from: readonly string[]): void {
    for (const peer of from) this.#wanted.add(peer)
    this.#pulling ??= this.#pullWanted().finally(() => {
      this.#pulling = undefined
    })
  }

  /** One after the other, each once however often it is wanted: peers that do not answer would else make a queue. */
  async #pullWanted(): Promise<void> {
    for (const peer of this.#wanted) {
      this.#wanted.delete(peer)
      if (!this.#stopped) await this.#pullFrom(peer)
    }
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
    const { access, peers } = this.#options
    let gone: [string, number][] = []
    const choose = (own: SharedAccess) => {
      gone = goneOf(own, theirs)
      return new Map([...laterOf(own, theirs, peers.gone), ...gone.map(([name]) => [name, undefined] as const)])
    }
    const alongside = (transaction: WriteTransaction) => {
      for (const [name, time] of gone) peers.putGone(transaction, name, time)
    }
    await access.adopt(peer, choose, { alongside })
  }
}

/** Whether a record of access is a user or a role. */
const isShared = (name: string) => name.startsWith('user/') || name.startsWith('role/')

/** What another node has changed later than this one. */
function laterOf(
  { roles, users }: SharedAccess,
  theirs: AccessState,
  gone: ReadonlyMap<string, number>,
): [string, UserRecord | RoleRecord][] {
  const later: [string, UserRecord | RoleRecord][] = []
  const consider = (name: string, record: UserRecord | RoleRecord, own: UserRecord | RoleRecord | undefined) => {
    if ((gone.get(name) ?? Number.NEGATIVE_INFINITY) >= record.updated) return
    if (!own || isLater(record, own)) later.push([name, record])
  }
  for (const role of theirs.roles) consider(`role/${role.id}`, role, roles.get(role.id))
  for (const user of theirs.users) consider(`user/${user.username}`, user, users.get(user.username))
  return later
}

/** What another node has dropped later than it was changed here. */
function goneOf({ roles, users }: SharedAccess, theirs: AccessState): [string, number][] {
  return Object.entries(theirs.gone).filter(([name, time]) => {
    const own = name.startsWith('user/') ? users.get(name.slice(5)) : roles.get(name.slice(5))
    return own !== undefined && time > own.updated
  })
}

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
