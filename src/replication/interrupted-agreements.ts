import { setTimeout as delay } from 'node:timers/promises'
import type { Log, Mesh } from '../mesh/index.js'
import type { Storage } from '../storage/index.js'
import type { Begun, PeerStore } from './peers.js'
import type { Made } from './table-maker.js'

export interface InterruptedOptions {
  mesh: Mesh
  peers: PeerStore
  storage: Storage
  /** Takes back tables that were made for an agreement, while no other agreement is being made, which may need them. */
  unmake: (made: readonly Made[]) => Promise<void>
  log: Log
  /** Aborts when the node stops. */
  signal: AbortSignal
}

/** Between tries to take back what could not be taken back: a time that doubles, and when it is given up. */
const TAKE_BACK_MS = { first: 500, last: 30_000, timeout: 5_000, most: 7 * 86_400_000 }

/** Agreements that failed or were cut off by a stop: they are taken back here and where they were asked for. */
export class InterruptedAgreements {
  readonly #options: InterruptedOptions

  constructor(options: InterruptedOptions) {
    this.#options = options
    for (const [id, begun] of options.peers.begun) void this.#undo(id, begun)
  }

  /** Has nodes put back what an agreement has changed; answers those that could not be asked. */
  async takeBack(nodes: readonly string[], id: string, timeoutMs: number): Promise<string[]> {
    const { requests } = this.#options.mesh
    const isTakenBack = (node: string) =>
      requests.ask(node, 'take_back', { id }, timeoutMs).then(
        () => true,
        () => false,
      )
    const outcomes = await Promise.all(nodes.map(isTakenBack))
    return nodes.filter((_, at) => !outcomes[at])
  }

  /** Remembers what could not be taken back of an agreement, to do it when that is possible. */
  async note(id: string, left: Begun): Promise<void> {
    const { peers, storage } = this.#options
    const rest = left.nodes.length > 0 || left.made.length > 0 ? left : undefined
    if (!rest && !peers.begun.has(id)) return
    // What cannot be noted now stands there as it was begun: then all are asked again.
    await storage.write((transaction) => peers.putBegun(transaction, id, rest)).catch(() => {})
    if (rest || peers.begun.has(id)) void this.#undo(id, left)
  }

  /**
   * Tries until all is taken back.
   * @param left what that is where nothing is stored of it, as on a full disk
   */
  async #undo(id: string, left: Begun): Promise<void> {
    const { log, signal } = this.#options
    for (let wait = TAKE_BACK_MS.first; ; wait = Math.min(wait * 2, TAKE_BACK_MS.last)) {
      await delay(wait, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      try {
        if (await this.#isUndone(id, this.#options.peers.begun.get(id) ?? left)) return
      } catch (error) {
        log.warn({ error: String(error) }, 'an agreement that was interrupted could not be taken back; trying again')
      }
    }
  }

  async #isUndone(id: string, { made, nodes, since }: Begun): Promise<boolean> {
    const { log, peers, storage, unmake } = this.#options
    if (made.length > 0) await unmake(made)
    const stuck = await this.takeBack(nodes, id, TAKE_BACK_MS.timeout)
    const isOver = Date.now() - since > TAKE_BACK_MS.most
    const left = isOver ? [] : stuck.filter((node) => !peers.removed.has(node))
    const rest = left.length > 0 ? { made: [], nodes: left, since } : undefined
    await storage.write((transaction) => peers.putBegun(transaction, id, rest))
    if (stuck.length < nodes.length)
      log.info({ nodes: nodes.filter((node) => !stuck.includes(node)) }, 'took back an agreement that was interrupted')
    return left.length === 0
  }
}
