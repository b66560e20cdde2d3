import { setTimeout as delay } from 'node:timers/promises'
import type { JetStreamClient, JetStreamManager, NatsConnection } from 'nats'
import { assert, untilAborted } from '../lib/index.js'
import type { Identity, PeerKey } from './identity.js'
import type { Log } from './log.js'
import { nats } from './nats.js'
import { OrderedReader, type Stored } from './ordered-reader.js'

const STREAM = 'OUT'
const PART = 'Trellis-Part'
const SIGNATURE = 'Trellis-Signature'
/** While a part is on its way a reader hears nothing else, and on a slow link must not take that for the link's end. */
const PART_BYTES = 64 * 1024
/** The largest that is taken, and sent where there would be too many. */
const PART_BYTES_MAX = 512 * 1024
const PARTS_MAX = 512
const ANSWER_MS_MAX = 2_000
const RETRY_MS = { first: 100, last: 2_000 }

/** Which stream it is and what it holds; `created` changes when a stream was deleted and made again. */
export interface StreamState {
  created: number
  firstSequence: number
  lastSequence: number
  bytes: number
  messages: number
}

/** One message of a peer's outbox, put together and with its signature checked. */
export interface Arrival {
  /** The words of the subject after "out.NODE.". */
  topic: string
  bytes: Buffer
  /** Where it stands. */
  place: Place
}

/** A place in a stream. `created` tells one stream from another that was made in its stead. */
export interface Place {
  created: number
  sequence: number
}

export interface FollowOptions {
  /** What to read first; undefined: only what comes from now on. */
  from: Place | undefined
  /**
   * Called when the stream does not reach back to the place (it was made anew, or has discarded old messages), before
   * it is read from its beginning: what lies between must be got in another way.
   */
  gap: () => Promise<void>
  /** Subjects after "out.NODE."; empty means all. */
  topics: readonly string[]
  keyOf: () => PeerKey | undefined
  /** Takes a batch in order; it is not called again before its promise resolves. After a throw it gets it again. */
  take: (arrivals: Arrival[]) => Promise<void>
  /** Called when a message is not what it claims to be. */
  refused: (reason: string) => void
  /** Called with true when messages flow, with false when the peer cannot be read. */
  reachable: (yes: boolean) => void
  signal: AbortSignal
}

const stateOf = async (manager: JetStreamManager): Promise<StreamState> => {
  const { created, state } = await manager.streams.info(STREAM)
  return {
    created: Date.parse(created),
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    bytes: state.bytes,
    messages: state.messages,
  }
}

/** The stream of this node's own changes on its own leaf, and the way to read those of others. */
export class OutboxStream {
  readonly #connection: NatsConnection
  readonly #nodeName: string
  readonly #identity: Identity
  readonly #log: Log
  readonly #js: JetStreamClient
  /** Bytes that the stream keeps; then it discards the oldest. */
  readonly bytesMax: number

  constructor(connection: NatsConnection, nodeName: string, identity: Identity, bytesMax: number, log: Log) {
    this.#connection = connection
    this.#nodeName = nodeName
    this.#identity = identity
    this.#log = log
    this.bytesMax = bytesMax
    this.#js = connection.jetstream({ timeout: ANSWER_MS_MAX })
  }

  /** Makes the stream when it is missing (a deleted store makes it so) and says what it holds. */
  async ensure(): Promise<StreamState> {
    const manager = await this.#manager(undefined)
    const { DiscardPolicy, nanos, RetentionPolicy, StorageType } = nats()
    const limits = { max_bytes: this.bytesMax, discard: DiscardPolicy.Old, duplicate_window: nanos(120_000) }
    const there = await manager.streams.info(STREAM).catch(() => undefined)
    if (!there) {
      await manager.streams.add({
        ...limits,
        name: STREAM,
        subjects: [`out.${this.#nodeName}.>`],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        allow_direct: false,
      })
    } else if (there.config.max_bytes !== this.bytesMax) await manager.streams.update(STREAM, limits)
    return stateOf(manager)
  }

  /** What the stream of a node holds. Rejects when the node cannot be reached or has none. */
  async state(node: string): Promise<StreamState> {
    return stateOf(await this.#manager(node))
  }

  /**
   * Writes one message, in parts when it is large, signed as a whole.
   * @param id with which the stream tells repetitions
   * @returns when the stream has taken it: its sequence there. Order is kept among calls that are not awaited.
   */
  async publish(topic: string, bytes: Uint8Array, id: string): Promise<number> {
    const subject = `out.${this.#nodeName}.${topic}`
    const size = Math.max(PART_BYTES, Math.ceil(bytes.length / PARTS_MAX))
    const parts = Math.max(1, Math.ceil(bytes.length / size))
    assert(size <= PART_BYTES_MAX, 'a message of the outbox has too many parts')
    const acks = []
    for (let part = 0; part < parts; part++) {
      const header = nats().headers()
      if (parts > 1) header.set(PART, `${part + 1}/${parts}`)
      if (part === parts - 1) header.set(SIGNATURE, this.#identity.sign(signed(subject, bytes)).toString('base64'))
      const slice = bytes.subarray(part * size, (part + 1) * size)
      acks.push(this.#js.publish(subject, slice, { headers: header, msgID: parts > 1 ? `${id}:${part}` : id }))
    }
    const taken = await Promise.all(acks)
    return taken.at(-1)!.seq
  }

  /** Deletes messages of one topic, or of all: keeps the last `keep`, or those from sequence `from` on. */
  async purge(topic: string | undefined, what: { keep?: number; seq?: number }): Promise<number> {
    const manager = await this.#manager(undefined)
    const filter = topic === undefined ? {} : { filter: `out.${this.#nodeName}.${topic}` }
    return (await manager.streams.purge(STREAM, { ...filter, ...what } as { filter: string; keep: number })).purged
  }

  /** How many messages such a purge would delete now. */
  async countPurged(topic: string, { keep = 0, seq }: { keep?: number; seq?: number }): Promise<number> {
    const all = await this.#countFrom(topic, 1)
    return seq === undefined ? Math.max(0, all - keep) : all - (await this.#countFrom(topic, seq))
  }

  /** A reader that never reads is told how much it would get. */
  async #countFrom(topic: string, sequence: number): Promise<number> {
    const { AckPolicy, DeliverPolicy, nanos } = nats()
    const manager = await this.#manager(undefined)
    const { name, num_pending: waiting } = await manager.consumers.add(STREAM, {
      ack_policy: AckPolicy.None,
      mem_storage: true,
      inactive_threshold: nanos(10_000),
      filter_subject: `out.${this.#nodeName}.${topic}`,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: sequence,
    })
    await manager.consumers.delete(STREAM, name).catch(() => {}) // It goes by itself.
    return waiting
  }

  /** Reads the outbox of a node in order until the signal aborts; over restarts, cuts and deleted stores. */
  async follow(node: string, options: FollowOptions): Promise<void> {
    const { signal } = options
    const cursor = { next: options.from }
    let wait = RETRY_MS.first
    while (!signal.aborted) {
      const before = cursor.next
      try {
        await this.#read(node, cursor, options)
      } catch (error) {
        this.#log.debug({ node, error: String(error) }, 'cannot read the outbox of a node')
      }
      options.reachable(false)
      wait = cursor.next === before ? Math.min(wait * 2, RETRY_MS.last) : RETRY_MS.first
      await delay(wait, undefined, { signal }).catch(() => {})
    }
  }

  /** One consumer's life: moves the cursor behind what was taken. */
  async #read(node: string, cursor: { next: Place | undefined }, options: FollowOptions): Promise<void> {
    const { keyOf, reachable, refused, signal, take, topics } = options
    const manager = await this.#manager(node)
    const { created, firstSequence, lastSequence } = await untilAborted(signal, stateOf(manager))
    cursor.next ??= { created, sequence: lastSequence + 1 }
    const { next } = cursor
    // A place behind the end means that the store went back in time, as one restored from a backup does.
    if (next.created !== created || next.sequence < firstSequence || next.sequence > lastSequence + 1) {
      await options.gap()
      cursor.next = { created, sequence: Math.max(1, firstSequence) }
    }
    const parts = new Reassembly(keyOf, refused, `out.${node}.`, created)
    const reading = {
      stream: STREAM,
      from: cursor.next.sequence,
      subjects: topics.map((topic) => `out.${node}.${topic}`),
      signal,
      started: () => reachable(true),
    }
    for await (const messages of OrderedReader.read(this.#connection, manager, reading)) {
      const whole = messages.map((stored) => parts.add(stored)).filter((arrival) => arrival !== undefined)
      if (whole.length > 0) await take(whole)
      // Half a message is read again from its first part.
      cursor.next = { created, sequence: parts.openedAt ?? messages.at(-1)!.sequence + 1 }
      if (signal.aborted) break
    }
  }

  #manager(domain: string | undefined): Promise<JetStreamManager> {
    return this.#connection.jetstreamManager({ checkAPI: false, timeout: ANSWER_MS_MAX, ...(domain ? { domain } : {}) })
  }
}

const signed = (subject: string, bytes: Uint8Array) => Buffer.concat([Buffer.from(`${subject}\0`), bytes])

/** Puts the parts of a message together and checks the signature over the whole. */
class Reassembly {
  readonly #keyOf: () => PeerKey | undefined
  readonly #refused: (reason: string) => void
  readonly #prefix: string
  readonly #created: number
  #subject = ''
  #opened = 0
  #parts: Uint8Array[] = []

  constructor(keyOf: () => PeerKey | undefined, refused: (reason: string) => void, prefix: string, created: number) {
    this.#created = created
    this.#keyOf = keyOf
    this.#refused = refused
    this.#prefix = prefix
  }

  /** Where the message stands that has begun and not ended; undefined when there is none. */
  get openedAt(): number | undefined {
    return this.#parts.length > 0 ? this.#opened : undefined
  }

  add({ message, sequence }: Stored): Arrival | undefined {
    const [, part = '1', parts = '1'] = /^(\d{1,4})\/(\d{1,4})$/.exec(message.headers?.get(PART) ?? '') ?? []
    const expected = this.#parts.length + 1
    if (Number(part) === 1) this.#begin(message.subject, sequence)
    else if (Number(part) !== expected || message.subject !== this.#subject) return this.#refuse('parts out of order')
    if (Number(parts) > PARTS_MAX) return this.#refuse('too many parts')
    if (message.data.length > PART_BYTES_MAX) return this.#refuse('a part that is too large')
    this.#parts.push(message.data)
    if (part !== parts) return undefined
    const bytes = Buffer.concat(this.#parts)
    this.#parts = []
    const signature = Buffer.from(message.headers?.get(SIGNATURE) ?? '', 'base64')
    if (!this.#keyOf()?.verifies(signed(message.subject, bytes), signature)) return this.#refuse('wrong signature')
    return { topic: message.subject.slice(this.#prefix.length), bytes, place: { created: this.#created, sequence } }
  }

  #begin(subject: string, sequence: number): void {
    this.#subject = subject
    this.#opened = sequence
    this.#parts = []
  }

  #refuse(reason: string): undefined {
    this.#parts = []
    this.#refused(reason)
  }
}
