import type { Target } from './target.js'

export interface Load {
  /** Connections at a time. */
  connections: number
  /** Records of one request, for rates of records. */
  records: number
  /** Whether the floor answers it too; otherwise the ratio is against the floor's byid. */
  onFloor: boolean
  /** At least this share of the floor, as promised. */
  promised: number
  request(): object
  /** Whether an answer is right. */
  isRight(answer: never): boolean
}

export interface Measured {
  perSecond: number
  p50: number
  p99: number
}

const names = { database: 'bench', table: 'items' }
const VALUES = 200

const random = (below: number) => Math.floor(Math.random() * below)

export function record(id: number, values = VALUES) {
  return {
    id,
    name: `item ${id}`,
    category: `c${id % values}`,
    score: id % 1000,
    active: id % 2 === 0,
    note: 'lorem ipsum dolor sit amet '.repeat(3),
  }
}

/** The loads over a table of `rows` records with `values` categories. New keys begin with `first`, behind the rows. */
export function loads(rows: number, values = VALUES, connections = 16, first = rows + 1_000_000): Record<string, Load> {
  let next = first
  const insert = (count: number) => ({
    operation: 'insert',
    ...names,
    records: Array.from({ length: count }, () => record(next++, values)),
  })
  const some = ['id', 'name', 'score']
  return {
    byid: {
      connections,
      records: 1,
      onFloor: true,
      promised: 0.75,
      request: () => ({ operation: 'search_by_hash', ...names, hash_values: [random(rows)], get_attributes: ['*'] }),
      isRight: (answer: unknown[]) => answer.length === 1 && answer[0] !== null,
    },
    byvalue: {
      connections,
      records: 1,
      onFloor: false,
      promised: 0.3,
      request: () => ({
        operation: 'search_by_value',
        ...names,
        search_attribute: 'category',
        search_value: `c${random(values)}`,
        get_attributes: some,
      }),
      isRight: (answer: unknown[]) => answer.length >= Math.floor(rows / values),
    },
    conditions: {
      connections,
      records: 1,
      onFloor: false,
      promised: 0.4,
      request: () => {
        const from = random(900)
        return {
          operation: 'search_by_conditions',
          ...names,
          operator: 'and',
          limit: 50,
          get_attributes: ['id', 'score', 'category'],
          conditions: [
            { search_attribute: 'score', search_type: 'between', search_value: [from, from + 20] },
            { search_attribute: 'active', search_type: 'equals', search_value: true },
          ],
        }
      },
      isRight: (answer: unknown[]) => answer.length > 0 && answer.length <= 50,
    },
    insert1: {
      connections,
      records: 1,
      onFloor: true,
      promised: 0.7,
      request: () => insert(1),
      isRight: (answer: { inserted_hashes: unknown[] }) => answer.inserted_hashes.length === 1,
    },
    insert1000: {
      connections: Math.min(4, connections),
      records: 1000,
      onFloor: true,
      promised: 0.15,
      request: () => insert(1000),
      isRight: (answer: { inserted_hashes: unknown[] }) => answer.inserted_hashes.length === 1000,
    },
  }
}

/** Makes the table and fills it. */
export async function fill(target: Target, rows: number, values = VALUES): Promise<void> {
  if (target.name === 'trellisdb') await target.send({ operation: 'create_table', ...names, primary_key: 'id' })
  let next = 0
  const fillers = Array.from({ length: 2 }, async () => {
    while (next < rows) {
      const first = next
      next += 1000
      const records = Array.from({ length: Math.min(1000, rows - first) }, (_, n) => record(first + n, values))
      await target.send({ operation: 'insert', ...names, records })
    }
  })
  await Promise.all(fillers)
}

/** Runs a load for some seconds after a warm-up; every answer is checked. */
export async function measure(target: Target, load: Load, seconds: number): Promise<Measured> {
  await phase(target, load, Math.min(1, seconds / 3))
  const { times, elapsed } = await phase(target, load, seconds)
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { perSecond: (times.length * load.records) / elapsed, p50: at(0.5), p99: at(0.99) }
}

async function phase(target: Target, load: Load, seconds: number): Promise<{ times: number[]; elapsed: number }> {
  const times: number[] = []
  const started = performance.now()
  const end = started + seconds * 1000
  const client = async () => {
    while (performance.now() < end) {
      const body = load.request()
      const sent = performance.now()
      const answer = await target.send(body)
      times.push(performance.now() - sent)
      if (!load.isRight(answer as never)) throw new Error(`a wrong answer: ${JSON.stringify(answer).slice(0, 300)}`)
    }
  }
  await Promise.all(Array.from({ length: load.connections }, client))
  return { times, elapsed: (performance.now() - started) / 1000 }
}
