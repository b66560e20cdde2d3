import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Pool } from 'undici'
import { loadConfig } from '../../src/config/index.js'
import { LogTail } from '../../src/lib/index.js'
import { startNode, type TrellisNode } from '../../src/node.js'

/** Credentials of the first super user of every test node. */
export const ADMIN = { username: 'admin', password: 'a-password-of-tests' }

/** Passwords are hashed in a moment: nearly every test starts a node and signs in, and few are about the hashes. */
const PASSWORD_COST_LOG2 = 4

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: unknown
}

export interface RequestOptions {
  /** Authorization header; undefined: the admin's; null: none. */
  authorization?: string | null | undefined
  headers?: Record<string, string>
}

/** A real node on a free port, as tests speak to it. */
export interface TestNode {
  readonly url: string
  readonly folder: string
  readonly node: TrellisNode
  /** Sends an operation. */
  post(body: unknown, options?: RequestOptions): Promise<Answer>
  /** Sends any request; text bodies go as they are. */
  send(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Answer>
  /** Sends an operation and answers its body; throws when it is refused. */
  ok<Body = unknown>(body: unknown): Promise<Body>
}

export function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** Starts a node in a temporary folder, hands it to the test, and stops and removes it whatever happens. */
export async function withNode<Result>(
  test: (node: TestNode) => Promise<Result>,
  settings: Record<string, string> = {},
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-test-'))
  try {
    return await onNode(folder, test, settings)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The same for an example that needs a node of its own: with a folder for exports and backups. */
export async function withFreshNode<Result>(test: (node: TestNode) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-files-'))
  try {
    return await withNode(test, { 'jobs.export_dir': folder, 'backup.dir': folder })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The same on a folder that is there already and stays. Settings of password hashes have them cost what they cost users. */
export async function onNode<Result>(
  folder: string,
  test: (node: TestNode) => Promise<Result>,
  settings: Record<string, string> = {},
): Promise<Result> {
  const all: Record<string, string> = {
    data_dir: folder,
    'http.port': '0',
    'admin.password': ADMIN.password,
    'http.stop_timeout_ms': '1000',
    // Each takes a fifth of a second to start; those of the event store and of processes are several, one for each core.
    'events.workers': '1',
    ...settings,
  }
  const config = loadConfig({ flags: Object.entries(all).map(([path, value]) => `--${path}=${value}`) })
  const tail = new LogTail(10_000)
  const hashesCount = Object.keys(settings).some((path) => path.startsWith('access.password_hash'))
  await using node = await startNode({
    config,
    log: pino({ level: 'info' }, tail),
    tail,
    checkAnswers: true,
    passwordCostLog2: hashesCount ? undefined : PASSWORD_COST_LOG2,
  })
  const pool = new Pool(node.url, { connections: 32 })
  try {
    return await test(client(node, folder, pool))
  } finally {
    await pool.destroy()
  }
}

function client(node: TrellisNode, folder: string, pool: Pool): TestNode {
  const send: TestNode['send'] = async (method, path, body, { authorization = basic(ADMIN), headers = {} } = {}) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const response = await pool.request({
      method: method as 'POST',
      path,
      body: text ?? null,
      headers: {
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...(authorization === null ? {} : { authorization }),
        ...headers,
      },
    })
    const answer = await response.body.text()
    return { status: response.statusCode, headers: response.headers, body: parsed(answer) }
  }
  const post: TestNode['post'] = (body, options) => send('POST', '/', body, options)
  return {
    url: node.url,
    folder,
    node,
    send,
    post,
    async ok<Body>(body: unknown): Promise<Body> {
      const answer = await post(body)
      if (answer.status >= 300)
        throw new Error(`${JSON.stringify(body).slice(0, 200)}: ${answer.status} ${JSON.stringify(answer.body)}`)
      return answer.body as Body
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
