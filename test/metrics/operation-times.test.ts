import { expect } from 'chai'
import { Histogram, Registry } from 'prom-client'
import { OperationTimes } from '../../src/metrics/operation-times.js'
import { Random } from '../hostile/random.js'

const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

describe('times of operations', () => {
  it('are printed as prom-client prints a histogram', async () => {
    const times = new OperationTimes()
    const registry = new Registry()
    const histogram = new Histogram({
      name: 'trellis_operation_seconds',
      help: 'Time of operations by name and status.',
      labelNames: ['operation', 'status'] as const,
      buckets: BOUNDS,
      registers: [registry],
    })
    const random = new Random(1)
    for (let count = 0; count < 2000; count++) {
      const operation = random.of(['insert', 'select', 'ping'])
      const status = random.of([200, 404])
      const seconds = random.chance(0.1) ? random.of(BOUNDS) : 100 * random.next() ** 8
      times.add(operation, status, seconds)
      histogram.labels(operation, String(status)).observe(seconds)
    }
    expect([...times.print()].join('')).to.equal(await registry.metrics())
  })
})
