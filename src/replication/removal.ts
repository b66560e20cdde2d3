import { Problem } from '../lib/index.js'
import { isNodeName, type Json, type Log, type Mesh } from '../mesh/index.js'
import type { Receipt, Storage } from '../storage/index.js'
import type { AgreementLock } from './agreement-lock.js'
import type { PeerStore } from './peers.js'

/** Gives what is stored in the transaction of a change of ours. */
export type ReceiptOf<Outcome> = (outcome: Outcome) => Receipt

/** On which other nodes a node was removed, and on which not. */
export interface RemovedEverywhere {
  removed: string[]
  failed: string[]
}

export interface RemovalOptions {
  mesh: Mesh
  peers: PeerStore
  storage: Storage
  log: Log
  lock: AgreementLock
  /** Called when a peer was removed. */
  removed: (peer: string) => Promise<void>
}

/** How long a node that is removed may take to hear of it. */
const GOODBYE_MS = 2_000

/** Ends all agreements with a node: here, and where a peer asks for it. */
export class Removal {
  readonly #options: RemovalOptions

  constructor(options: RemovalOptions) {
    this.#options = options
    const { requests } = options.mesh
    requests.serve('remove', async (body, from) => await this.#removeFor(body, from))
    requests.serve('unlink', async (_, from) => await this.#unlinked(from))
  }

  /** Tells a node that nothing is shared with it any more; it may never hear of it. */
  async sayGoodbye(node: string): Promise<void> {
    await this.#options.mesh.requests.ask(node, 'unlink', null, GOODBYE_MS).catch(() => {})
  }

  /** Ends all sharing with a node, at once, whether it answers or not. @throws Problem peer_unknown */
  async remove(node: string, receipt?: Receipt): Promise<void> {
    if (!this.#options.peers.peers.has(node)) throw new Problem('peer_unknown', { node })
    await this.#leave(node, receipt)
  }

  /**
   * The same, also on the nodes that share tables with this one. A node that was removed here already is removed where
   * it still is not.
   * @param left where it was not removed when this was asked for before, and interrupted
   * @throws Problem peer_unknown
   */
  async removeEverywhere(
    node: string,
    timeoutMs: number,
    { left, receiptOf }: { left: readonly string[] | undefined; receiptOf: ReceiptOf<RemovedEverywhere> },
  ): Promise<RemovedEverywhere> {
    const { mesh, peers, storage } = this.#options
    const names = left ?? [...peers.peers.keys()].filter((name) => name !== node).sort()
    if (!left) {
      const receipt = receiptOf({ removed: [], failed: [...names] })
      if (peers.removed.has(node)) await storage.write((transaction) => receipt.alongside(transaction))
      else await this.remove(node, receipt)
    } else if (!peers.removed.has(node)) return { removed: [], failed: [...names] } // It was added again since.
    const outcomes = await Promise.all(
      names.map((name) =>
        mesh.requests.ask(name, 'remove', { node }, timeoutMs).then(
          () => true,
          () => false,
        ),
      ),
    )
    return {
      removed: names.filter((_, place) => outcomes[place]),
      failed: names.filter((_, place) => !outcomes[place]),
    }
  }

  /** A node that shares tables with us asks us to remove another one. */
  async #removeFor(body: Json, from: string): Promise<Json> {
    const { log, mesh, peers } = this.#options
    const { node } = body as { node?: unknown }
    if (!peers.peers.has(from)) throw new Problem('peer_unknown', { node: from })
    if (!isNodeName(node) || node === mesh.nodeName || node === from) throw new Problem('node_is_self', { node: from })
    log.warn({ node, askedBy: from }, 'removing a node because a peer asks for it')
    await this.#leave(node)
    return null
  }

  async #leave(node: string, receipt?: Receipt): Promise<void> {
    const { lock, mesh, peers, removed, storage } = this.#options
    const goodbye = this.sayGoodbye(node)
    await Promise.race([goodbye, new Promise((resolve) => setTimeout(resolve, 200))])
    // Before all else, so that no request of its own that is under way can bring it back.
    mesh.requests.ban(node)
    lock.release(node)
    try {
      await storage.write((transaction) => {
        peers.removePeer(transaction, node, true)
        receipt?.alongside(transaction)
      })
    } catch (error) {
      // Nothing was stored: the node is to us what it was.
      const peer = peers.peers.get(node)
      if (peer) mesh.requests.trust(node, peer.publicKey)
      else if (!peers.removed.has(node)) mesh.requests.forget(node)
      throw error
    }
    await removed(node)
  }

  async #unlinked(from: string): Promise<Json> {
    const { log, peers, removed, storage } = this.#options
    if (!peers.peers.has(from)) return null
    await storage.write((transaction) => peers.removePeer(transaction, from, false))
    // The answer leaves before the subscriber, which waits for its own requests, is ended.
    removed(from).catch((error: unknown) =>
      log.warn({ peer: from, error: String(error) }, 'what was shared with a removed node could not be ended'),
    )
    return null
  }
}
