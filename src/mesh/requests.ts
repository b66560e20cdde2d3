import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Msg, NatsConnection, NatsError } from 'nats'
import { Problem } from '../lib/index.js'
import { type Identity, PeerKey } from './identity.js'
import type { Log } from './log.js'
import { nats } from './nats.js'

const SIGNATURE = 'Trellis-Signature'
const OPEN_REQUESTS_MAX = 256
const COUNTS_KEPT = 1_024
const PEERS_MAX = 1_024
const ANSWERS_WAITING_MAX = 16
const ANSWER_WAITS_MS = 60_000
const ANSWER_PARTS_MAX = 4_096
const SESSION_TRIES_MAX = 3
const ANOTHER_KEY = 'another key than before'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** An answer that is JSON text already, and is not printed again. */
export class PrintedJson {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Answers one kind of request; a Problem thrown travels back to the caller. */
export type Handler = (body: Json, from: string) => Promise<Json | PrintedJson>

/** Proves that a name and a public key belong to this mesh (by its secret, or by a certificate). */
export interface Credentials {
  /** What a node shows of itself. */
  own: string
  /** Whether another's proof is right for this name and key. */
  accepts(name: string, publicKey: string, proof: string): boolean
}

interface Question {
  id: string
  from: string
  to: string
  method: string
  /** What the receiver gave the sender at its last hello: a request means nothing in another session. */
  session: string
  /** Rises with every request, so that none is taken twice in a session. */
  count: number
  body: Json
  /** Only with the method hello: who is asking. */
  key?: string
  proof?: string
}

/** An answer that waits to be fetched. */
interface Parts {
  ticket: string
  count: number
}

interface Answer {
  id: string
  from: string
  /** Only the answer to hello: the session for the requests that follow. */
  session?: string
  body?: Json
  /** Instead of a body that is too large: where to get it. */
  parts?: Parts
  problem?: { code: string; facts: Record<string, unknown> }
  key?: string
  proof?: string
}

/** What a handler's outcome adds to an answer. */
type Reply = Omit<Partial<Answer>, 'body'> & { body?: Json | PrintedJson }

/** A peer that proved who it is. */
interface Acquaintance {
  key: PeerKey
  /** What it gave us for our requests; empty until it answered our hello. */
  theirs: string
  /** What we gave it for its requests. */
  ours: Session
}

/** Takes each count once, and none far behind the highest. */
class Session {
  readonly id = randomBytes(12).toString('base64url')
  readonly #taken = new Set<number>()
  #highest = 0

  take(count: number): boolean {
    if (!Number.isSafeInteger(count) || count <= this.#highest - COUNTS_KEPT || this.#taken.has(count)) return false
    this.#highest = Math.max(this.#highest, count)
    this.#taken.add(count)
    if (this.#taken.size > COUNTS_KEPT * 2) {
      for (const old of this.#taken) if (old <= this.#highest - COUNTS_KEPT) this.#taken.delete(old)
    }
    return true
  }
}

/**
 * Requests between nodes. Each is signed by its sender, meant for one session with one receiver, and taken once; each answer
 * is signed by who answers. Whoever has not proved its name gets no answer but to hello.
 */
export class Requests {
  readonly #connection: NatsConnection
  readonly #name: string
  readonly #identity: Identity
  readonly #credentials: Credentials
  readonly #log: Log
  /** Larger answers wait here to be fetched in parts. */
  readonly #bytesMax: number
  readonly #waiting = new Map<string, { from: string; text: string }>()
  readonly #handlers = new Map<string, Handler>()
  readonly #known = new Map<string, Acquaintance>()
  readonly #banned = new Set<string>()
  readonly #greetings = new Map<string, Promise<string>>()
  #count = 0
  #open = 0
  #refusals = 0

  constructor(
    connection: NatsConnection,
    name: string,
    identity: Identity,
    credentials: Credentials,
    messageBytesMax: number,
    log: Log,
  ) {
    this.#connection = connection
    this.#bytesMax = Math.floor(messageBytesMax * 0.75)
    this.#name = name
    this.#identity = identity
    this.#credentials = credentials
    this.#log = log
    this.serve('part', async (body, from) => this.#part(body as unknown as Parts & { part: number }, from))
    connection.subscribe('mesh.who', { callback: (error, message) => void (error ?? message.respond(name)) })
    connection.subscribe(`rpc.${name}.*`, { callback: (error, message) => void (error ?? this.#receive(message)) })
  }

  /** How many messages were refused since the start: wrong names, signatures, shapes, repetitions. */
  get refusals(): number {
    return this.#refusals
  }

  serve(method: string, handler: Handler): void {
    this.#handlers.set(method, handler)
  }

  /** Binds a name to a key for good: what the node remembered from an earlier run. */
  trust(name: string, publicKey: string): void {
    this.#banned.delete(name)
    if (this.#known.get(name)?.key.text === publicKey) return
    this.#known.set(name, { key: new PeerKey(publicKey), theirs: '', ours: new Session() })
  }

  /** From now on nothing from this name is taken. */
  ban(name: string): void {
    this.#known.delete(name)
    this.#banned.add(name)
  }

  /** Lifts a ban and forgets the key, so that the node may introduce itself again. */
  forget(name: string): void {
    this.#known.delete(name)
    this.#banned.delete(name)
  }

  keyOf(name: string): PeerKey | undefined {
    return this.#known.get(name)?.key
  }

  /** The public keys of all nodes that proved who they are. */
  knownKeys(): string[] {
    return [...this.#known.values()].map(({ key }) => key.text)
  }

  /** Whether our own server answers in time. */
  async reachesServer(withinMs: number): Promise<boolean> {
    const answered = this.#connection.flush().then(
      () => true,
      () => false,
    )
    return await Promise.race([answered, delay(withinMs, false, { ref: false })])
  }

  /** Names of the nodes that are in reach now, this one among them: hints, until they are asked themselves. */
  async discover(withinMs: number): Promise<string[]> {
    const names = new Set<string>([this.#name])
    const most = { strategy: nats().RequestStrategy.Timer, maxWait: Math.max(50, withinMs), maxMessages: PEERS_MAX }
    try {
      for await (const answer of await this.#connection.requestMany('mesh.who', '', most)) {
        const name = answer.string()
        if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) names.add(name)
      }
    } catch (error) {
      this.#log.debug({ error: String(error) }, 'nobody answers')
    }
    return [...names]
  }

  /** Introduces the two nodes to each other and returns the peer's public key. */
  async hello(node: string, timeoutMs: number): Promise<string> {
    const until = Date.now() + timeoutMs
    // Each hello begins a session and ends the one before: requests made at once are to have one.
    for (let underWay = this.#greetings.get(node); underWay; underWay = this.#greetings.get(node)) {
      const left = delay(Math.max(1, until - Date.now()), undefined, { ref: false })
      const key = await Promise.race([underWay.catch(() => undefined), left])
      if (key !== undefined) return key
      if (Date.now() >= until) throw new Problem('node_silent', { node, timeout_ms: timeoutMs })
    }
    const greeting = this.#hello(node, Math.max(1, until - Date.now())).finally(() => this.#greetings.delete(node))
    this.#greetings.set(node, greeting)
    return await greeting
  }

  async #hello(node: string, timeoutMs: number): Promise<string> {
    const answer = await this.#exchange(node, 'hello', null, timeoutMs)
    if (answer.problem) throw problemOf(node, answer.problem)
    const key = String(answer.key ?? '')
    if (!this.#known.has(node)) this.trust(node, key)
    this.#known.get(node)!.theirs = answer.session ?? ''
    return key
  }

  /**
   * Asks a node and waits for its answer.
   * @throws Problem node_unreachable when nobody is there, node_silent when it does not answer in time, and whatever
   * Problem the other node answers with
   */
  async ask(node: string, method: string, body: Json, timeoutMs: number): Promise<Json> {
    const until = Date.now() + timeoutMs
    if (!this.#known.get(node)?.theirs) await this.hello(node, timeoutMs)
    let session = this.#known.get(node)?.theirs
    let answer = await this.#exchange(node, method, body, until - Date.now())
    for (let tries = 1; answer.problem?.code === 'node_session_unknown' && tries < SESSION_TRIES_MAX; tries++) {
      const isNew = this.#known.get(node)?.theirs !== session
      if (!isNew) await this.hello(node, Math.max(100, until - Date.now()))
      session = this.#known.get(node)?.theirs
      answer = await this.#exchange(node, method, body, Math.max(100, until - Date.now()))
    }
    if (answer.problem) throw problemOf(node, answer.problem)
    return answer.parts ? await this.#collect(node, answer.parts, until) : (answer.body ?? null)
  }

  /** Fetches an answer that is too large for one message. */
  async #collect(node: string, { count, ticket }: Parts, until: number): Promise<Json> {
    const parts: string[] = []
    for (let part = 0; part < Math.min(count, ANSWER_PARTS_MAX); part++) {
      const answer = await this.#exchange(node, 'part', { ticket, count, part }, Math.max(100, until - Date.now()))
      if (answer.problem) throw problemOf(node, answer.problem)
      if (typeof answer.body !== 'string') throw new Problem('node_answer_refused', { node })
      parts.push(answer.body)
    }
    return JSON.parse(parts.join('')) as Json
  }

  async #part({ part, ticket }: Parts & { part: number }, from: string): Promise<Json> {
    const waiting = this.#waiting.get(ticket)
    if (waiting?.from !== from) throw new Problem('node_failed', { node: this.#name })
    const size = this.#partCharacters()
    return waiting.text.slice(part * size, (part + 1) * size)
  }

  /** A part is a text in a text: its quotes are escaped, and a character may take three bytes. */
  #partCharacters(): number {
    return Math.floor(this.#bytesMax / 4)
  }

  async #exchange(node: string, method: string, body: Json, timeoutMs: number): Promise<Answer> {
    if (this.#banned.has(node)) throw new Problem('node_removed', { node })
    const introduces = method === 'hello'
    const question: Question = {
      id: randomBytes(9).toString('base64url'),
      from: this.#name,
      to: node,
      method,
      session: this.#known.get(node)?.theirs ?? '',
      count: ++this.#count,
      body,
      ...(introduces ? { key: this.#identity.publicKey, proof: this.#credentials.own } : {}),
    }
    const bytes = Buffer.from(JSON.stringify(question))
    const timeout = Math.max(1, timeoutMs)
    let message: Msg
    try {
      message = await this.#connection.request(`rpc.${node}.${method}`, bytes, { timeout, headers: this.#sign(bytes) })
    } catch (error) {
      throw unreachable(node, timeoutMs, error as NatsError)
    }
    const answer = parse<Answer>(message.data)
    if (!answer || answer.id !== question.id || answer.from !== node) throw new Problem('node_answer_refused', { node })
    const key = introduces ? this.#introduced(node, answer.key, answer.proof) : this.#known.get(node)?.key
    if (!key?.verifies(message.data, signatureOf(message))) {
      const isAnother = introduces && this.#isAnother(node, answer)
      this.#refuse(node, isAnother ? ANOTHER_KEY : 'an answer with a wrong signature')
      throw new Problem(isAnother ? 'node_identity_changed' : 'node_answer_refused', { node })
    }
    return answer
  }

  async #receive(message: Msg): Promise<void> {
    const question = parse<Question>(message.data)
    const reason = question ? this.#objection(question, message) : 'not a request'
    if (!question || reason) {
      this.#refuse(String(question?.from ?? '?').slice(0, 64), reason ?? '')
      if (question && reason === ANOTHER_KEY)
        this.#answer(message, question, { problem: this.#nameTaken(question.from) })
      return
    }
    const answer = (rest: Reply) => {
      // A node that was removed meanwhile gets no answer any more.
      if (!this.#banned.has(question.from)) this.#answer(message, question, rest)
    }
    // After a start nobody is known: whoever asks is told to introduce itself, and nothing else.
    if (!this.#known.has(question.from)) {
      return answer({ problem: { code: 'node_session_unknown', facts: { node: this.#name } } })
    }
    const peer = this.#known.get(question.from)!
    if (question.method === 'hello') {
      peer.ours = new Session()
      return answer({ session: peer.ours.id })
    }
    if (question.session !== peer.ours.id) {
      return answer({ problem: { code: 'node_session_unknown', facts: { node: this.#name } } })
    }
    if (!peer.ours.take(question.count)) return this.#refuse(question.from, 'a request that was taken before')
    const handler = this.#handlers.get(question.method)
    if (!handler) return answer({ problem: { code: 'node_method_unknown', facts: { method: question.method } } })
    if (this.#open >= OPEN_REQUESTS_MAX) return answer({ problem: { code: 'node_busy', facts: { node: this.#name } } })
    this.#open++
    try {
      answer({ body: await handler(question.body, question.from) })
    } catch (error) {
      if (!(error instanceof Problem)) {
        this.#log.error(
          { method: question.method, from: question.from, error: String((error as Error).stack) },
          'a request failed',
        )
      }
      const { code, facts } = error instanceof Problem ? error : { code: 'node_failed', facts: { node: this.#name } }
      answer({ problem: { code, facts: { ...facts } } })
    } finally {
      this.#open--
    }
  }

  /** Why a request is not taken; undefined when it is in order. */
  #objection(question: Question, message: Msg): string | undefined {
    const { from, method, to } = question
    if (typeof from !== 'string' || typeof method !== 'string' || typeof question.id !== 'string')
      return 'a wrong shape'
    if (to !== this.#name || message.subject !== `rpc.${to}.${method}`) return 'a request for somebody else'
    if (this.#banned.has(from)) return 'a removed node'
    if (method !== 'hello' && !this.#known.has(from)) return undefined
    const key = method === 'hello' ? this.#introduced(from, question.key, question.proof) : this.#known.get(from)?.key
    if (!key) return this.#isAnother(from, question) ? ANOTHER_KEY : 'a wrong proof'
    if (!key.verifies(message.data, signatureOf(message))) return 'a wrong signature'
    if (!this.#known.has(from)) this.trust(from, key.text)
    return undefined
  }

  /** The key of a node that introduces itself: only with a right proof, and never another than before. */
  #introduced(name: string, publicKey: unknown, proof: unknown): PeerKey | undefined {
    if (typeof publicKey !== 'string' || typeof proof !== 'string' || this.#banned.has(name)) return undefined
    const known = this.#known.get(name)
    if (known) return known.key.text === publicKey ? known.key : undefined
    if (this.#known.size >= PEERS_MAX || !this.#credentials.accepts(name, publicKey, proof)) return undefined
    try {
      return new PeerKey(publicKey)
    } catch {
      return undefined
    }
  }

  /** Whether a node of this mesh has a name of which we know another key: it was made anew, or somebody else uses it. */
  #isAnother(name: string, { key, proof }: Pick<Answer, 'key' | 'proof'>): boolean {
    const known = this.#known.get(name)
    if (!known || typeof key !== 'string' || typeof proof !== 'string') return false
    return known.key.text !== key && this.#credentials.accepts(name, key, proof)
  }

  /** What a node hears that comes back without its key: silence would look like a broken link. */
  #nameTaken(name: string): Answer['problem'] {
    return { code: 'node_name_taken', facts: { node: this.#name, name } }
  }

  #answer(message: Msg, question: Question, { body, ...rest }: Reply): void {
    const introduces = question.method === 'hello'
    const answer: Answer = {
      id: question.id,
      from: this.#name,
      ...rest,
      ...(introduces ? { key: this.#identity.publicKey, proof: this.#credentials.own } : {}),
    }
    const printed = body instanceof PrintedJson ? body.text : JSON.stringify(body)
    const text = JSON.stringify(answer)
    let bytes = Buffer.from(printed === undefined ? text : `${text.slice(0, -1)},"body":${printed}}`)
    if (printed !== undefined && bytes.length > this.#bytesMax) {
      bytes = Buffer.from(JSON.stringify({ ...answer, parts: this.#keep(printed, question.from) }))
    }
    message.respond(bytes, { headers: this.#sign(bytes) })
  }

  #keep(text: string, from: string): Parts {
    const ticket = randomBytes(12).toString('base64url')
    this.#waiting.set(ticket, { from, text })
    if (this.#waiting.size > ANSWERS_WAITING_MAX) this.#waiting.delete(this.#waiting.keys().next().value!)
    setTimeout(() => this.#waiting.delete(ticket), ANSWER_WAITS_MS).unref()
    return { ticket, count: Math.ceil(text.length / this.#partCharacters()) }
  }

  #sign(bytes: Uint8Array) {
    const header = nats().headers()
    header.set(SIGNATURE, this.#identity.sign(bytes).toString('base64'))
    return header
  }

  #refuse(from: string, reason: string): void {
    this.#refusals++
    this.#log.warn({ from, reason }, 'refused a message between nodes')
  }
}

const signatureOf = (message: Msg) => Buffer.from(message.headers?.get(SIGNATURE) ?? '', 'base64')

function parse<T>(data: Uint8Array): T | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString())
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}

function unreachable(node: string, timeoutMs: number, error: NatsError): Problem {
  if (error.code === nats().ErrorCode.NoResponders) return new Problem('node_unreachable', { node })
  return new Problem('node_silent', { node, timeout_ms: timeoutMs })
}

/** A Problem of another node; one that this version does not know is told in its words. */
function problemOf(node: string, { code, facts }: { code: string; facts: Record<string, unknown> }): Problem {
  try {
    return new Problem(code as never, facts as never)
  } catch {
    return new Problem('node_failed', { node })
  }
}
