import { Pool } from 'undici'
import { readContracts } from '../../src/contracts/index.js'
import { hostileBody } from './bodies.js'
import { Random } from './random.js'

export interface FuzzOptions {
  url: string
  /** Authorization headers; each body is sent with one of them. */
  authorizations: readonly string[]
  seed: number
  /** Ends after so many bodies. */
  bodies: number
  /** So many are sent however long it takes. */
  bodiesLeast?: number
  /** Ends after so many milliseconds, if that is earlier. */
  timeMs?: number
  connections?: number
  /** At most so many bodies per second; a sender that is late catches up at twice that rate. */
  rate?: number
  /** Sends this instead of generated bodies: a load to compare with. */
  instead?: string
}

export interface FuzzReport {
  bodies: number
  statuses: Map<number, number>
  /** Answers that are neither 2xx nor 4xx, or not JSON, with what was sent. */
  faults: string[]
  seconds: number
}

const FAULTS_MAX = 20
/** These stop or replace the node itself, which is theirs to do. */
const NOT_FUZZED = new Set(['restart', 'restore_backup'])

/** Makes the tables whose names the bodies know. */
export async function makeTables({ ok }: { ok: (body: unknown) => Promise<unknown> }): Promise<void> {
  for (const table of ['dog', 'breed']) {
    await ok({ operation: 'create_table', database: 'dev', table, primary_key: 'id' })
    const records = Array.from({ length: 100 }, (_, id) => ({ id, name: `name ${id % 10}`, weight: id % 7 }))
    await ok({ operation: 'insert', database: 'dev', table, records })
  }
}

/** Sends generated bodies over all contracts and counts what comes back. */
export function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  return prepareFuzz(options)()
}

/** Makes the bodies; answers what sends them. What making them costs is not the node's. */
export function prepareFuzz(options: FuzzOptions): () => Promise<FuzzReport> {
  const { instead, bodies, seed } = options
  const texts = instead === undefined ? hostileBodies(bodies, new Random(seed)) : undefined
  return () => sendAll(options, (index) => instead ?? texts![index]!)
}

async function sendAll(
  { url, authorizations, seed, bodies, bodiesLeast = 0, timeMs = Infinity, connections = 8, rate }: FuzzOptions,
  textOf: (index: number) => string,
): Promise<FuzzReport> {
  const report: FuzzReport = { bodies: 0, statuses: new Map(), faults: [], seconds: 0 }
  const answers: Answer[] = []
  const random = new Random(seed)
  const started = performance.now()
  const pace = rate === undefined ? undefined : new Pace(rate)
  const pool = new Pool(url, { connections, bodyTimeout: 60_000, headersTimeout: 60_000 })
  const worker = async (): Promise<void> => {
    while (report.bodies < bodies && (report.bodies < bodiesLeast || performance.now() - started < timeMs)) {
      const wait = pace?.wait(report.bodies) ?? 0
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      else {
        const text = textOf(report.bodies++)
        answers.push(await send(pool, text, random.of(authorizations)))
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: connections }, worker))
  } finally {
    await pool.destroy()
  }
  report.seconds = (performance.now() - started) / 1000
  for (const answer of answers) examine(answer, report)
  return report
}

/**
 * When bodies are due. What a sender has not sent because it was not given a processor or collected garbage is made up
 * for, but not all at once: eight bodies in one moment would be its own doing, and no load of so many in a second.
 */
class Pace {
  readonly #rate: number
  readonly #inMsMax: number
  readonly #started = performance.now()
  #ms = 0
  #inMs = 0

  constructor(rate: number) {
    this.#rate = rate
    this.#inMsMax = Math.ceil((2 * rate) / 1000)
  }

  /** Milliseconds to wait before the next body is sent; 0 says that it is sent now. */
  wait(sent: number): number {
    const elapsed = performance.now() - this.#started
    const due = (sent / this.#rate) * 1000 - elapsed
    if (due > 0) return due
    const ms = Math.floor(elapsed)
    if (ms !== this.#ms) this.#inMs = 0
    this.#ms = ms
    return ++this.#inMs > this.#inMsMax ? 1 : 0
  }
}

function hostileBodies(count: number, random: Random): string[] {
  const contracts = readContracts().filter(({ operation }) => !NOT_FUZZED.has(operation))
  const texts: string[] = []
  while (texts.length < count) {
    const contract = random.of(contracts)
    // Hashing of passwords is slow on purpose: these would take most of the time.
    if (!contract.request.properties?.['password'] || random.chance(0.05)) texts.push(hostileBody(contract, random))
  }
  return texts
}

/** What came back for a body. It is looked at when all are sent: meanwhile it would hold up what is to be sent next. */
interface Answer {
  text: string
  /** Undefined when there was none. */
  status?: number
  isJson?: boolean
  /** What it said, if that matters; or why there is none. */
  said: Uint8Array | string
}

async function send(pool: Pool, text: string, authorization: string): Promise<Answer> {
  try {
    const {
      statusCode: status,
      headers,
      body,
    } = await pool.request({
      method: 'POST',
      path: '/',
      headers: { 'content-type': 'application/json', authorization },
      body: text,
    })
    const isJson = String(headers['content-type']).includes('json')
    if (isJson || isFault(status)) return { text, status, isJson, said: await body.bytes() }
    for await (const _ of body);
    return { text, status, isJson, said: '' }
  } catch (error) {
    return { text, said: String(error) }
  }
}

const isFault = (status: number) => status < 200 || status >= 500 || (status >= 300 && status < 400)

function examine({ text, status, isJson, said }: Answer, report: FuzzReport): void {
  const answer = typeof said === 'string' ? said : new TextDecoder().decode(said)
  if (status !== undefined) report.statuses.set(status, (report.statuses.get(status) ?? 0) + 1)
  if (status === undefined || isFault(status) || (isJson && !isJsonText(answer)))
    note(report, `${status} ${answer.slice(0, 300)} <- ${text.slice(0, 500)}`)
}

function note(report: FuzzReport, fault: string): void {
  if (report.faults.length < FAULTS_MAX) report.faults.push(fault)
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
