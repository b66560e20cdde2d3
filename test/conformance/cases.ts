import type { TestNode } from '../support/node.js'
import { differenceOfResults, differenceOfRows, type Fields, isFields, sameValue, unfolded } from './compare.js'

/** A file of cases, as recorded from the original. */
export interface CaseFile {
  datasets: Record<string, { table: Table; events: unknown[] }>
  cases: Case[]
}

interface Table {
  name: string
  columns: { name: string; type: string; is_set?: boolean }[]
  z_order?: string[]
}

interface Probe {
  pre: string
  expr: string
  status: number
  value: unknown
}

export interface Case {
  id: string
  name: string
  query: { kind: string; method?: string; path?: string; sid?: string; params?: Record<string, string> }
  script?: string
  dataset?: string
  table?: Table
  events?: unknown
  known_bug?: boolean
  intended?: string
  note?: string
  expect: {
    status?: number
    json?: unknown
    debug?: unknown[]
    debug_all_truthy?: boolean
    debug_count?: number
    path?: string
    equals?: unknown
    facts?: string[]
    probes?: Probe[]
    runtime_error?: unknown
  }
}

/** Runs the cases of a file on a node, through real HTTP. */
export class CaseRunner {
  readonly #node: TestNode
  readonly #file: CaseFile
  /** What the tables of this node hold now: the dataset, or the case they were made for. */
  #made = new Map<string, string>()

  constructor(node: TestNode, file: CaseFile) {
    this.#node = node
    this.#file = file
  }

  /** Why a case fails, or undefined when it passes. */
  async run(one: Case): Promise<string | undefined> {
    const table = await this.#prepare(one)
    const { expect } = one
    if (/after insert/.test(one.name)) await this.#must('POST', `/v1/insert/${table.name}`, [AFTERWARDS])
    if (expect.probes) return this.#probes(one, table, expect.probes)
    const traces = expect.debug ?? expect.debug_count ?? expect.debug_all_truthy
    const params = new URLSearchParams({ ...one.query.params, ...(traces !== undefined && { trace: 'true' }) })
    const { status, body } = await this.#send(one, table, params)
    if (expect.runtime_error || (expect.status ?? 200) >= 400) {
      return status >= 400 && status < 500 ? undefined : `status ${status}: ${JSON.stringify(body).slice(0, 200)}`
    }
    if (status !== 200) return `status ${status}: ${JSON.stringify((body as Fields).detail ?? body)}`
    return this.#difference(one, table, body)
  }

  #difference(one: Case, table: Table, body: unknown): string | undefined {
    const { expect } = one
    const debug = (body as { debug?: unknown[] }).debug ?? []
    if (expect.debug && !sameValue(debug, expect.debug)) return `debug is ${JSON.stringify(debug)}`
    if (expect.debug_count !== undefined && debug.length !== expect.debug_count)
      return `debug is ${JSON.stringify(debug)}`
    if (expect.debug_all_truthy && !debug.every(Boolean)) return `debug is ${JSON.stringify(debug)}`
    if (expect.path !== undefined) {
      const value = at(body, expect.path)
      if (!sameValue(value, expect.equals)) return `${expect.path} is ${JSON.stringify(value)}`
    }
    if (expect.json !== undefined) {
      const isSet = (name: string) => table.columns.some((column) => column.name === name && column.is_set)
      const expected = inUnits(one, expect.json)
      const difference = Array.isArray((expect.json as Fields).rows)
        ? differenceOfRows(unfolded(body, isSet), unfolded(expect.json, isSet))
        : differenceOfResults(body, expected)
      if (difference) return difference
    }
    for (const fact of expect.facts ?? []) {
      if (checkOf(fact)?.(body) === false) return `not so: ${fact}`
    }
    return undefined
  }

  async #send({ query, script }: Case, table: Table, params: URLSearchParams) {
    const kinds: Record<string, [method: string, path: string]> = {
      event: ['POST', `/v1/query/${table.name}/event`],
      person: ['GET', `/v1/query/${table.name}/person?sid=${encodeURIComponent(query.sid ?? '')}`],
      schema: ['GET', `/v1/table/${table.name}`],
    }
    const [method, path] = query.path ? [query.method ?? 'POST', query.path] : kinds[query.kind]!
    const where = params.size > 0 ? `${path}${path.includes('?') ? '&' : '?'}${params}` : path
    return this.#node.send(method, where.replace(/^\/v1\/query\/[^/]+/, `/v1/query/${table.name}`), script, {
      headers: script === undefined ? {} : { 'content-type': 'text/plain' },
    })
  }

  async #probes(one: Case, table: Table, probes: readonly Probe[]): Promise<string | undefined> {
    const failures: string[] = []
    for (const { pre, expr, status, value } of probes) {
      const script = `${pre}tally("r", ${expr})\n`
      const answer = await this.#send({ ...one, script }, table, new URLSearchParams())
      const root = ((answer.body as Fields)._ as { _?: { g: unknown }[] }[] | undefined)?.[0]
      const shown = root?._ ? root._.map(({ g }) => g) : '<None>'
      const ok = status === 200 ? answer.status === 200 && sameValue(shown, value) : answer.status >= 400
      if (!ok)
        failures.push(
          `${expr}: ${JSON.stringify(answer.status === 200 ? shown : (answer.body as Fields).detail)} instead of ${JSON.stringify(value)}`,
        )
    }
    return failures.length > 0
      ? `${failures.length} of ${probes.length} probes differ\n      ${failures.join('\n      ')}`
      : undefined
  }

  /** A table with the case's events; cases of one dataset share one, as they did when they were recorded. */
  async #prepare(one: Case): Promise<Table> {
    const { table, events } = one.dataset
      ? this.#file.datasets[one.dataset]!
      : { table: one.table!, events: one.events }
    const content = one.dataset ?? JSON.stringify([table, events])
    if (this.#made.get(table.name) === content) return table
    if (this.#made.has(table.name)) await this.#node.ok({ operation: 'drop_table', table: table.name })
    this.#made.set(table.name, content)
    const { name, ...body } = table
    await this.#must('POST', `/v1/table/${name}`, { ...body, fold_case: true })
    if (Array.isArray(events)) await this.#must('POST', `/v1/insert/${name}`, events)
    if (one.dataset === 'highstreet') await this.#must('POST', `/v1/query/${name}/segment`, SEGMENTS, 'text/plain')
    return table
  }

  async #must(method: string, path: string, body: unknown, type = 'application/json'): Promise<void> {
    const { status, body: answer } = await this.#node.send(method, path, body, { headers: { 'content-type': type } })
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`)
  }
}

/** What was inserted between two steps of a case. */
const AFTERWARDS = { person: 'afterwards', stamp: 1_458_830_000, action: 'buy', _: { fruit: 'mango' } }

/** The segments that cases of the shop's dataset use. */
const SEGMENTS = `@segment products_home ttl=300s:
    match where product_group in ['basement', 'garage', 'kitchen', 'bedroom', 'bathroom']:
        tally

@segment products_outdoor ttl=300s:
    match where product_group in ['outdoor', 'angling']:
        tally
`

/** Version 0.1.0 showed sums of doubles times 10,000, as notes of cases say. */
function inUnits({ note, script }: Case, expected: unknown): unknown {
  if (!/sum.* doubles are printed x10000/.test(note ?? '')) return expected
  const aggregates =
    /^agg\w*:\n((?: +.*\n)+)/m
      .exec(script ?? '')?.[1]
      ?.trim()
      .split(/\n\s*/) ?? []
  const divided = (node: unknown): unknown => {
    if (!isFields(node)) return node
    const { c, _: below } = node as { c?: number[]; _?: unknown[] }
    return {
      ...node,
      ...(c && { c: c.map((value, index) => (aggregates[index]?.startsWith('sum ') ? value / 10_000 : value)) }),
      ...(below && { _: below.map(divided) }),
    }
  }
  return divided(expected)
}

function at(value: unknown, path: string): unknown {
  return path
    .split('/')
    .filter((step) => step !== '')
    .reduce<unknown>((inner, step) => (inner as Fields | undefined)?.[step], value)
}

/** Facts that can be checked without a reader. */
function checkOf(fact: string): ((body: unknown) => boolean) | undefined {
  const roots = (body: unknown) => (body as { _?: unknown[] })._ ?? []
  const rows = (body: unknown) => (body as { rows?: unknown[] }).rows ?? []
  const count = /^(?:exactly )?(one|\d+) root nodes?/.exec(fact)
  if (count) return (body) => roots(body).length === (count[1] === 'one' ? 1 : Number(count[1]))
  const counts = /^root\[(\d+)\]\.c == (\[[^\]]*\])/.exec(fact)
  if (counts)
    return (body) => sameValue((roots(body)[Number(counts[1])] as Fields | undefined)?.c, JSON.parse(counts[2]!))
  const entries = /^rows array has (\d+) entries/.exec(fact)
  if (entries) return (body) => rows(body).length === Number(entries[1])
  const order = /^stamp (\d+): (.*)$/.exec(fact)
  if (order) return (body) => actionsAt(rows(body), Number(order[1]) * 1000) === order[2]!.replace(/\s/g, '')
  if (/built-?ins?/.test(fact)) return (body) => !isFields(body)
  return undefined
}

function actionsAt(rows: readonly unknown[], stamp: number): string {
  return (rows as { stamp: number; action: string; attr: Fields }[])
    .filter((row) => row.stamp === stamp)
    .flatMap(({ action, attr }) =>
      [attr.some_val ?? (attr._ as Fields[]).map(({ some_val }) => some_val)]
        .flat()
        .map((value) => `${action}(${value})`),
    )
    .join(',')
}
