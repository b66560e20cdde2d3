import type { JetStreamManager, Msg, NatsConnection } from 'nats'
import { nats } from './nats.js'

const HEARTBEAT_MS = 1_000
/** Silence for this long means that the messages of the last moments may be lost on the way. */
const SILENCE_MS_MAX = 2_500

/** A message and where it stands in its stream. */
export interface Stored {
  message: Msg
  sequence: number
}

/**
 * Reads a stream in order through a push consumer of its own, without acknowledgements. The iteration ends when a
 * message is missing, told by the count in every message and in every heartbeat, or when heartbeats stay away: the
 * caller then makes a new reader after the last message it has taken. (A pull consumer's heartbeats carry no count, so
 * what is lost on a broken link is noticed only when the next message comes, which may be never.)
 */
export class OrderedReader {
  readonly #messages: (Stored | Msg)[] = []
  readonly #connection: NatsConnection
  #delivered = 0
  #ended = false
  #heard = Date.now()
  #wake: () => void = () => {}

  private constructor(connection: NatsConnection) {
    this.#connection = connection
  }

  /** Makes the consumer and yields batches as they come; ends as described above, or when the signal aborts. */
  static async *read(
    connection: NatsConnection,
    manager: JetStreamManager,
    options: { stream: string; from: number; subjects: readonly string[]; signal: AbortSignal; started: () => void },
  ): AsyncGenerator<Stored[]> {
    const { AckPolicy, createInbox, DeliverPolicy, nanos } = nats()
    const { from, signal, started, stream, subjects } = options
    const reader = new OrderedReader(connection)
    const inbox = createInbox()
    const subscription = connection.subscribe(inbox, { callback: (error, message) => reader.#receive(error, message) })
    const info = await manager.consumers
      .add(stream, {
        deliver_subject: inbox,
        ack_policy: AckPolicy.None,
        max_deliver: 1,
        mem_storage: true,
        num_replicas: 1,
        flow_control: true,
        idle_heartbeat: nanos(HEARTBEAT_MS),
        inactive_threshold: nanos(10_000),
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: from,
        ...(subjects.length === 1 ? { filter_subject: subjects[0]! } : {}),
        ...(subjects.length > 1 ? { filter_subjects: [...subjects] } : {}),
      })
      .catch((error: unknown) => {
        subscription.unsubscribe()
        throw error
      })
    started()
    const end = () => reader.#end()
    signal.addEventListener('abort', end)
    if (signal.aborted) end() // While the consumer was being made: nobody tells again.
    const watch = setInterval(() => reader.#watch(), HEARTBEAT_MS / 2)
    try {
      yield* reader.#batches()
    } finally {
      clearInterval(watch)
      signal.removeEventListener('abort', end)
      subscription.unsubscribe()
      void manager.consumers.delete(stream, info.name).catch(() => {})
    }
  }

  /** What has come since the last call; flow control is answered only when what stands before it was taken. */
  async *#batches(): AsyncGenerator<Stored[]> {
    while (!this.#ended || this.#messages.length > 0) {
      if (this.#messages.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      const taken = this.#messages.splice(0)
      const batch = taken.filter((each) => 'message' in each)
      if (batch.length > 0) yield batch
      for (const each of taken) if (!('message' in each)) each.respond()
    }
  }

  #receive(error: Error | null, message: Msg): void {
    if (this.#ended) return
    this.#heard = Date.now()
    const code = message.headers?.code
    const [sequence, delivered] = places(message)
    if (code === 100) this.#control(message)
    else if (error || code || delivered !== this.#delivered + 1)
      this.#end() // The consumer is gone, or a message is.
    else {
      this.#delivered++
      this.#messages.push({ message, sequence })
      this.#wake()
    }
  }

  /** A heartbeat with the count of what was sent, or a question whether we keep up. */
  #control(message: Msg): void {
    const sent = message.headers?.get('Nats-Last-Consumer')
    if (sent && Number(sent) !== this.#delivered) {
      this.#end()
      return
    }
    const stalled = message.headers?.get('Nats-Consumer-Stalled')
    if (stalled) this.#connection.publish(stalled)
    if (!message.reply) return
    this.#messages.push(message)
    this.#wake()
  }

  #watch(): void {
    if (Date.now() - this.#heard > SILENCE_MS_MAX) this.#end()
  }

  #end(): void {
    this.#ended = true
    this.#wake()
  }
}

/**
 * Where a message stands in its stream, and the how-manieth of its consumer it is: both are words of its reply subject,
 * "$JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.TIMES.IN_STREAM.IN_CONSUMER.TIME.PENDING[.TOKEN]".
 */
function places({ reply = '' }: Msg): [number, number] {
  const words = reply.split('.')
  const first = words.length > 9 ? 7 : 5
  return [Number(words[first]), Number(words[first + 1])]
}
