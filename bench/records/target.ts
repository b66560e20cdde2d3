import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { ready } from '../ready.js'

const ADMIN = { username: 'admin', password: 'a-password-of-benches' }
const authorization = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`

/** A server under load: one process, its folder, and connections to it. */
export class Target implements AsyncDisposable {
  readonly name: string
  readonly url: string
  readonly #process: ChildProcess
  readonly #remove: () => void
  readonly #pool: Pool

  private constructor(name: string, process: ChildProcess, remove: () => void, port: number, connections: number) {
    this.name = name
    this.url = `http://127.0.0.1:${port}`
    this.#process = process
    this.#remove = remove
    this.#pool = new Pool(this.url, { connections, pipelining: 1, bodyTimeout: 120_000 })
  }

  /** `kept`: the data folder, which is not removed in the end; by default one of its own. */
  static async start(name: 'trellisdb' | 'floor', connections: number, kept?: string): Promise<Target> {
    const folder = kept ?? mkdtempSync(join(tmpdir(), `trellis-bench-${name}-`))
    const remove = () => {
      if (kept === undefined) rmSync(folder, { recursive: true, force: true })
    }
    const port = await freePort()
    const program = name === 'floor' ? './floor.js' : '../../src/main.js'
    const floor = name === 'floor' ? [String(port), folder] : []
    const child = spawn(process.execPath, [fileURLToPath(new URL(program, import.meta.url)), ...floor], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...settings(port, folder) },
    })
    await ready(child)
    child.stdout!.resume()
    return new Target(name, child, remove, port, connections)
  }

  /** Sends an operation; throws unless it is answered 200. */
  async send<Answer>(body: object): Promise<Answer> {
    return await sendTo<Answer>(this.#pool, body)
  }

  /** Memory of the process that is not the page cache, in MiB. */
  anonymousMemory(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8')
    return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]) / 1024
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy()
    this.#process.kill('SIGTERM')
    await once(this.#process, 'exit')
    this.#remove()
  }
}

/** Sends an operation as the super user of the benches; throws unless it is answered 200. */
export async function sendTo<Answer>(pool: Pool, body: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization }
  const response = await pool.request({ path: '/', method: 'POST', headers, body: JSON.stringify(body) })
  const text = await response.body.text()
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${text.slice(0, 300)}`)
  return JSON.parse(text) as Answer
}

function settings(port: number, folder: string): Record<string, string> {
  return {
    TRELLIS_HTTP_PORT: String(port),
    TRELLIS_DATA_DIR: folder,
    TRELLIS_ADMIN_USERNAME: ADMIN.username,
    TRELLIS_ADMIN_PASSWORD: ADMIN.password,
    TRELLIS_LOG_LEVEL: 'warn',
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
