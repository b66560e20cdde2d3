// metrics owns the figures of a node: one function per event, printed for Prometheus.
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { EventMetrics } from './event-metrics.js'
import { MeshMetrics } from './mesh-metrics.js'
import { OperationTimes } from './operation-times.js'

export type { EventMetrics, TriggerLoad } from './event-metrics.js'

/** The figures of one node, in a registry of its own so that several nodes can live in one test process. */
export class Metrics {
  readonly registry = new Registry()
  readonly events = new EventMetrics(this.registry)
  readonly mesh = new MeshMetrics(this.registry)
  readonly #operations = new OperationTimes()
  readonly #running = new Gauge({
    name: 'trellis_operations_running',
    help: 'Operations that run now.',
    registers: [this.registry],
  })
  readonly #sockets = new Gauge({
    name: 'trellis_http_sockets',
    help: 'Open HTTP connections.',
    registers: [this.registry],
  })
  readonly #refused = new Counter({
    name: 'trellis_http_sockets_refused_total',
    help: 'Connections refused because http.sockets_max were open.',
    registers: [this.registry],
  })
  readonly #jobs = new Gauge({
    name: 'trellis_jobs',
    help: 'Jobs that are not over, by whether they run or wait.',
    labelNames: ['state'] as const,
    registers: [this.registry],
  })
  readonly #jobsEnded = new Counter({
    name: 'trellis_jobs_ended_total',
    help: 'Jobs that have ended, by type and status.',
    labelNames: ['type', 'status'] as const,
    registers: [this.registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'trellis_' })
  }

  operationStarted(): void {
    this.#running.inc()
  }

  operationEnded(operation: string, status: number, seconds: number): void {
    this.#running.dec()
    this.#operations.add(operation, status, seconds)
  }

  socketsOpen(count: number): void {
    this.#sockets.set(count)
  }

  socketRefused(): void {
    this.#refused.inc()
  }

  jobsAre(running: number, waiting: number): void {
    this.#jobs.set({ state: 'running' }, running)
    this.#jobs.set({ state: 'waiting' }, waiting)
  }

  jobEnded(type: string, status: string): void {
    this.#jobsEnded.inc({ type, status })
  }

  /**
   * The figures in Prometheus' text format, with the media type to send it with. In pieces, as is the way to the
   * caller: half a megabyte in one go would keep everybody else waiting.
   */
  async print(): Promise<{ type: string; pieces: AsyncGenerator<string> }> {
    const groups: string[] = []
    for (const { name } of this.registry.getMetricsAsArray()) {
      groups.push(await this.registry.getSingleMetricAsString(name))
      await new Promise(setImmediate)
    }
    return { type: this.registry.contentType, pieces: this.#pieces(`${groups.join('\n\n')}\n`) }
  }

  async *#pieces(groups: string): AsyncGenerator<string> {
    yield groups
    for (const piece of this.#operations.print()) {
      await new Promise(setImmediate)
      yield piece
    }
  }

  [Symbol.dispose](): void {
    this.registry.clear()
  }
}
