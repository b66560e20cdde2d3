import { untilAborted } from '../lib/index.js'
import type { Json, Mesh } from '../mesh/index.js'

const ASK_MS = 10_000

/** Asks one peer, and asks for the next page while this one is being stored. */
export class PeerAsker {
  readonly #mesh: Mesh
  readonly #peer: string
  readonly #signal: AbortSignal
  #ahead: { name: string; answer: Promise<unknown> } | undefined

  constructor(mesh: Mesh, peer: string, signal: AbortSignal) {
    this.#mesh = mesh
    this.#peer = peer
    this.#signal = signal
  }

  async ask(method: string, body: Json): Promise<unknown> {
    const ahead = this.#ahead
    this.#ahead = undefined
    const isAsked = ahead?.name === nameOf(method, body)
    // Whoever ends the subscriber does not wait for a peer that does not answer.
    return await untilAborted(this.#signal, isAsked ? ahead.answer : this.#request(method, body))
  }

  /** Asks what is most likely asked next. */
  askAhead(method: string, body: Json): void {
    const answer = this.#request(method, body)
    answer.catch(() => {}) // Whoever takes it hears of it.
    this.#ahead = { name: nameOf(method, body), answer }
  }

  #request(method: string, body: Json): Promise<unknown> {
    return this.#mesh.requests.ask(this.#peer, method, body, ASK_MS)
  }
}

function nameOf(method: string, body: Json): string {
  return `${method} ${JSON.stringify(body)}`
}
