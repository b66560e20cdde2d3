import { availableParallelism } from 'node:os'
import { MessageChannel, Worker } from 'node:worker_threads'
import { assert, Problem } from '../lib/index.js'
import { Channel } from './channel.js'
import type { InsertAnswer, Notice, Request, StoreSettings, WorkerStart } from './protocol.js'
import type { EventTable } from './schema.js'

export interface ThreadsOptions {
  readonly folder: string
  readonly settings: StoreSettings
  /** How many there are; default: the number of cores. At most one for each environment. */
  readonly workers?: number
  /** Told once when events are not taken any more, and why. */
  readonly onFailure?: (failure: Problem) => void
}

interface Thread {
  readonly worker: Worker
  readonly channel: Channel
  /** Version of the schema that the worker has, by table. */
  readonly schemas: Map<number, number>
  inserts: number
}

/** The workers that own the environments. They cost memory and time, so they start with the first question or event. */
export class Threads implements AsyncDisposable {
  readonly #options: ThreadsOptions
  readonly #environments: number
  #started: readonly Thread[] | undefined
  #failure: Problem | undefined
  /** Why nothing can be asked any more. */
  #crash: Error | undefined

  constructor(options: ThreadsOptions, environments: number) {
    this.#options = options
    this.#environments = environments
  }

  /** Why events are refused, while they are: some of the storage takes no more writes. What is stored can be asked. */
  get failure(): Problem | undefined {
    return this.#failure
  }

  /** The way to the worker of an environment. */
  of(environment: number): Channel {
    const thread = this.#all[environment % this.#all.length]
    assert(thread !== undefined, 'every environment has its worker')
    return thread.channel
  }

  /** Asks every worker. When one fails the others are left to end by themselves; the first failure is told. */
  askAll<T>(request: Request): Promise<T[]> {
    return Promise.all(this.#all.map(({ channel }) => channel.call<T>(request)))
  }

  /** Asks every worker if they have started: before that nothing is there that they could know. */
  async askStarted<T>(request: Request): Promise<T[]> {
    return Promise.all((this.#started ?? []).map(({ channel }) => channel.call<T>(request)))
  }

  /** Has the worker with the fewest inserts under way do one. */
  async insert(request: Request): Promise<InsertAnswer> {
    const thread = this.#all.reduce((idle, other) => (other.inserts < idle.inserts ? other : idle))
    thread.inserts++
    try {
      return await thread.channel.call<InsertAnswer>(request)
    } finally {
      thread.inserts--
    }
  }

  /** Tells the workers of a schema that they do not have yet. Messages arrive in order. */
  announce(table: EventTable): void {
    if (this.#crash) throw this.#crash
    for (const { channel, schemas } of this.#all) {
      if ((schemas.get(table.id) ?? -1) >= table.version) continue
      schemas.set(table.id, table.version)
      tell(channel, { kind: 'schema', table })
    }
  }

  /** A table is gone. */
  forget(table: EventTable): void {
    for (const { schemas } of this.#all) schemas.delete(table.id)
  }

  /** Tells those that have started something whose answer nobody needs. */
  tellStarted(request: Request): void {
    for (const { channel } of this.#started ?? []) tell(channel, request)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      (this.#started ?? []).map(async ({ channel, worker }) => {
        if (!this.#crash) await channel.call({ kind: 'close' } satisfies Request)
        await worker.terminate()
      }),
    )
  }

  get #all(): readonly Thread[] {
    return (this.#started ??= this.#start())
  }

  #start(): readonly Thread[] {
    const { folder, settings, workers: wanted = availableParallelism() } = this.#options
    const environments = this.#environments
    const workers = Math.max(1, Math.min(wanted, environments))
    const threads = Array.from({ length: workers }, (_, worker) =>
      startThread({ folder, worker, workers, environments, settings }, ({ facts }) => this.#fail(facts)),
    )
    connect(threads)
    for (const { worker, channel } of threads) {
      worker.on('error', (error) => {
        this.#crash = error as Error
        channel.fail(error)
        this.#fail({ reason: (error as Error).message })
      })
    }
    return threads
  }

  #fail(facts: Notice['facts']): void {
    if (this.#failure) return
    this.#failure = new Problem('storage_unavailable', facts as Problem<'storage_unavailable'>['facts'])
    this.#options.onFailure?.(this.#failure)
  }
}

/** A thread that has ended is told of by what asks it next. */
function tell(channel: Channel, request: Request): void {
  channel.call(request).catch(() => undefined)
}

function startThread(start: WorkerStart, onFailure: (notice: Notice) => void): Thread {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: start })
  const channel = new Channel(worker, onFailure)
  return { worker, channel, schemas: new Map(), inserts: 0 }
}

/** Every worker can send rows to every other one. */
function connect(threads: readonly Thread[]): void {
  for (let a = 0; a < threads.length; a++) {
    for (let b = a + 1; b < threads.length; b++) {
      const { port1, port2 } = new MessageChannel()
      threads[a]!.worker.postMessage({ peer: b, port: port1 }, [port1])
      threads[b]!.worker.postMessage({ peer: a, port: port2 }, [port2])
    }
  }
}
