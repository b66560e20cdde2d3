import { type Delivery, Restart } from './applier.js'
import type { ShippedEntry } from './wire.js'

/** How long the messages of one transaction may be apart. */
const REST_MS = 5_000
const REST_MISSING = 'the rest of a transaction is missing in the stream'

export interface AssemblyOptions {
  /** Whether the table of a topic is read. */
  isRead: (topic: string) => boolean
  /** Told when the rest of a transaction does not come: it is asked of the log. */
  onMissing: (error: Restart) => void
}

/** Puts the messages of a stream together again to whole transactions. */
export class TransactionAssembly {
  readonly #options: AssemblyOptions
  /** The beginning of a transaction of several messages. */
  #open: Delivery[] = []
  #awaited: Delivery | undefined
  #overdue: NodeJS.Timeout | undefined

  constructor(options: AssemblyOptions) {
    this.#options = options
  }

  /**
   * Takes the entries of a message; answers what is whole with them.
   * @throws Restart where a transaction is not followed by its rest
   */
  add({ table, entries, after }: Delivery): Delivery[] {
    checkRest(this.#open.at(-1)?.entries.at(-1), entries[0])
    const end = entries.findLastIndex((entry) => !this.#isOpen(entry)) + 1
    const whole = end > 0 ? [...this.#open, { table, entries: entries.slice(0, end), after }] : []
    if (end > 0) this.#open = []
    if (end < entries.length)
      this.#open.push({ table, entries: entries.slice(end), after: end > 0 ? undefined : after })
    return whole
  }

  /** Has the rest of what is open come in time, if there is anything. */
  awaitRest(): void {
    const [first] = this.#open
    if (first === this.#awaited) return
    this.#awaited = first
    clearTimeout(this.#overdue)
    if (!first) return
    this.#overdue = setTimeout(() => this.#options.onMissing(new Restart(REST_MISSING)), REST_MS).unref()
  }

  /** Forgets what is open: it is read again. */
  clear(): void {
    this.#open = []
    this.awaitRest()
  }

  /** Whether more of the entry's transaction is to come that concerns us. */
  #isOpen({ rest }: ShippedEntry): boolean {
    return rest?.some((topic) => this.#options.isRead(topic)) === true
  }
}

/** What follows the beginning of a transaction is its rest, or that was never in the stream. */
function checkRest(last: ShippedEntry | undefined, next: ShippedEntry | undefined): void {
  if (last && (next?.time !== last.time || next.origin !== last.origin)) throw new Restart(REST_MISSING)
}
