import { setTimeout as delay } from 'node:timers/promises'
import { JoinedSignal } from '../lib/index.js'
import type { Log, Mesh } from '../mesh/index.js'
import { type ChangeLog, isSameTransaction, type RawEntry } from '../tables/index.js'
import { MESSAGE_CHARACTERS_MAX, type TableName, type TableState, topicOf } from './wire.js'

const ENTRIES_MAX = 1_000
const IN_FLIGHT_MAX = 64
/** What is larger is not sent: readers are told that there is something, and ask the log for it. It ends what is read at once. */
const ENTRY_CHARACTERS_MAX = 64 * 1024 * 1024
const RETRY_MS = 500
const CHECKPOINT_MS = 1_000

export interface PublisherOptions {
  mesh: Mesh
  changes: ChangeLog
  incarnation: string
  /** The newest entry that the outbox has; those behind it are sent. */
  published: number
  /** What tables are like now that were changed since this was last asked: told to readers before what follows. */
  news: () => TableState[]
  /** Whether this entry of the log may go out at all, and whether anybody wants it now. */
  ships: (entry: RawEntry) => boolean
  wants: (entry: RawEntry) => boolean
  /** Puts a table among the news. */
  tell: (table: TableName) => void
  /** The entry of the same table that went out before this one, as far as the log knows. */
  before: (entry: RawEntry) => number | undefined
  /** The newest entry of a table, up to this one of the log, as far as the log knows. */
  last: (table: TableName, upTo: number) => number | undefined
  /** Remembers how far the outbox is. Losing it costs sending again, which receivers notice. */
  checkpoint: (published: number) => Promise<void>
  log: Log
}

/** A message that was made of one or more entries of one table. */
interface Bundle {
  topic: string
  /** The entry of the topic that went before. */
  after: number | undefined
  last: number
  text: string
}

/** Carries the change log into this node's outbox, in order, entries of one table together while they are small. */
export class Publisher implements AsyncDisposable {
  readonly #options: PublisherOptions
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #published: number
  #saved: number
  #savedAt = 0
  #untold: TableState[] = []
  #told = 0
  /** The newest entry of each topic that this process has sent, or left out. */
  readonly #newest = new Map<string, number>()
  #wake: () => void = () => {}

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#published = options.published
    this.#saved = options.published
    this.#done = this.#run()
  }

  /** The newest entry of the log that the outbox has. */
  get published(): number {
    return this.#published
  }

  /** The newest entry of a topic that was sent, or left out, since the start. */
  newest(topic: string): number | undefined {
    return this.#newest.get(topic)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#options.mesh.outbox.ensure()
        await this.#follow(signal)
      } catch (error) {
        this.#options.log.debug({ error: String(error) }, 'the outbox cannot be written')
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
      }
    }
    await this.#save(true).catch(() => {})
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { changes, ships, wants } = this.#options
    while (!signal.aborted) {
      // Before looking: what is new while something is on its way must not wait for the next change.
      const wake = new AbortController()
      this.#wake = () => wake.abort()
      // First the entries, then the news: what is told of a table is then never older than the entries behind it.
      const entries = changes.after(this.#published, ENTRIES_MAX)
      await this.#tell()
      if (entries.length === 0) {
        this.#saveNowAndThen()
        using woken = new JoinedSignal(signal, wake.signal)
        await changes.changed(this.#published, woken.signal)
        continue
      }
      const wanted: RawEntry[] = []
      const left: RawEntry[] = []
      const isTooLarge = tooLarge(entries)
      for (const entry of entries) {
        if (!ships(entry)) continue
        const isWanted = wants(entry)
        if (isWanted && isTooLarge(entry)) this.#options.tell(entry)
        ;(isWanted && !isTooLarge(entry) ? wanted : left).push(entry)
      }
      const bundles = this.#bundle(wanted)
      for (let from = 0; from < bundles.length; from += IN_FLIGHT_MAX) {
        const some = bundles.slice(from, from + IN_FLIGHT_MAX)
        await this.#send(some)
        for (const { topic, last } of some) this.#newest.set(topic, last)
      }
      // Who shared the table before and does again, or is told of it next, has to notice that these are missing.
      for (const entry of left) this.#newest.set(topicOf(entry), entry.sequence)
      this.#published = entries.at(-1)!.sequence
      this.#saveNowAndThen()
    }
  }

  /** Looks for news now. */
  wake(): void {
    this.#wake()
  }

  async #tell(): Promise<void> {
    const { incarnation, last, mesh, news } = this.#options
    const waiting = [...this.#untold, ...news()]
    this.#untold = waiting // Until they are in the stream.
    for (const state of waiting) {
      const topic = topicOf(state)
      // Also of what an earlier process has sent: a reader that was away would never miss what was purged since.
      const after = this.#newest.get(topic) ?? last(state, this.#published)
      const text = JSON.stringify({ incarnation, after, entries: [], state })
      await mesh.outbox.publish(topic, Buffer.from(text), `${incarnation}:state:${Date.now()}:${++this.#told}`)
    }
    this.#untold = []
  }

  /** Sends some bundles; the order of the calls is the order in the stream. */
  async #send(bundles: readonly Bundle[]): Promise<void> {
    const { incarnation, mesh } = this.#options
    const head = `{"incarnation":${JSON.stringify(incarnation)}`
    await Promise.all(
      bundles.map(({ after, last, text, topic }) => {
        const place = after === undefined ? '' : `,"after":${after}`
        return mesh.outbox.publish(topic, Buffer.from(`${head}${place},"entries":[${text}]}`), `${incarnation}:${last}`)
      }),
    )
  }

  #bundle(entries: readonly RawEntry[]): Bundle[] {
    const bundles: Bundle[] = []
    const newest = new Map(this.#newest)
    const rests = restsOf(entries)
    for (const [place, entry] of entries.entries()) {
      const { json, sequence } = entry
      const topic = topicOf(entry)
      const rest = rests[place] ? `"rest":${JSON.stringify(rests[place])},` : ''
      const text = `{"sequence":${sequence},${rest}${json.slice(1)}`
      const open = bundles.at(-1)
      if (open && open.topic === topic && open.text.length + text.length < MESSAGE_CHARACTERS_MAX) {
        open.text += `,${text}`
        open.last = sequence
      } else {
        // Also of what an earlier process has sent: the stream may have lost its end with the machine's power.
        const after = newest.get(topic) ?? this.#options.before(entry)
        bundles.push({ topic, after, last: sequence, text })
      }
      newest.set(topic, sequence)
    }
    return bundles
  }

  /** Not waited for: messages go on while the checkpoint is written. */
  #saveNowAndThen(): void {
    this.#save(false).catch((error: unknown) => {
      this.#options.log.warn({ error: String(error) }, 'the place of the outbox could not be stored')
    })
  }

  async #save(now: boolean): Promise<void> {
    if (this.#saved === this.#published || (!now && Date.now() - this.#savedAt < CHECKPOINT_MS)) return
    this.#savedAt = Date.now()
    const published = this.#published
    await this.#options.checkpoint(published)
    this.#saved = published
  }
}

/** Whether an entry belongs to a transaction of which the stream cannot carry all: it is left to the log, whole. */
function tooLarge(entries: readonly RawEntry[]): (entry: RawEntry) => boolean {
  const large = entries.filter(({ json }) => json.length > ENTRY_CHARACTERS_MAX)
  return (entry) => large.some((other) => isSameTransaction(entry, other))
}

/** By entry: the topics of those behind it that belong to the same transaction; undefined where there are none. */
function restsOf(entries: readonly RawEntry[]): (string[] | undefined)[] {
  const rests: (string[] | undefined)[] = []
  for (let place = entries.length - 2; place >= 0; place--) {
    const next = entries[place + 1]!
    if (isSameTransaction(entries[place]!, next))
      rests[place] = [...new Set([topicOf(next), ...(rests[place + 1] ?? [])])]
  }
  return rests
}
