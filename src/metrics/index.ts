// metrics owns the figures of a node: one function per event, printed for Prometheus.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { EventMetrics } from './event-metrics.js'
import { MeshMetrics } from './mesh-metrics.js'

export type { EventMetrics, TriggerLoad } from './event-metrics.js'

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** The figures of one node, in a registry of its own so that several nodes can live in one test process. */
export class Metrics {
  readonly registry = new Registry()
  readonly events = new EventMetrics(this.registry)
  readonly mesh = new MeshMetrics(this.registry)
  readonly #operations = new Histogram({
    name: 'trellis_operation_seconds',
    help: 'Time of operations by name and status.',
    labelNames: ['operation', 'status'] as const,
    buckets: SECONDS,
    registers: [this.registry],
  })
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
  readonly #observers = new Map<string, { observe(value: number): void }>()

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'trellis_' })
  }

  operationStarted(): void {
    this.#running.inc()
  }

  operationEnded(operation: string, status: number, seconds: number): void {
    this.#running.dec()
    const key = `${operation} ${status}`
    let observer = this.#observers.get(key)
    if (!observer) this.#observers.set(key, (observer = this.#operations.labels(operation, String(status))))
    observer.observe(seconds)
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

  /** The figures in Prometheus' text format, with the media type to send it with. */
  async print(): Promise<{ type: string; text: string }> {
    return { type: this.registry.contentType, text: await this.registry.metrics() }
  }

  [Symbol.dispose](): void {
    this.registry.clear()
  }
}
