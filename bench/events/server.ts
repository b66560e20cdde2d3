import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Pool } from 'undici'
import { BinaryEnvironment } from '../../src/storage/index.js'
import { ready } from '../ready.js'
import { Connection } from './connection.js'

const PASSWORD = 'a-password-of-benches'
const AUTHORIZATION = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`

/** A node in a process of its own, and the way to it. */
export class Server implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #pool: Pool
  readonly #connection: Connection
  readonly folder: string

  private constructor(child: ChildProcess, url: string, folder: string) {
    this.#child = child
    this.#pool = new Pool(url, { connections: 8 })
    this.#connection = new Connection(new URL(url), { authorization: AUTHORIZATION })
    this.folder = folder
  }

  static async start(): Promise<Server> {
    const folder = mkdtempSync(join(process.cwd(), 'bench-data-'))
    const settings = { data_dir: folder, 'http.port': '0', 'admin.password': PASSWORD, 'log.level': 'warn' }
    const flags = Object.entries(settings).map(([path, value]) => `--${path}=${value}`)
    const child = spawn(process.execPath, ['dist/src/main.js', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
    const url = /https?:\/\/[^\s"']+/.exec(await ready(child))![0].replace(/\/$/, '')
    return new Server(child, url, folder)
  }

  async send(method: 'GET' | 'POST', path: string, body?: string, type = 'application/json'): Promise<string> {
    const response = await this.#pool.request({
      method,
      path,
      body: body ?? null,
      headers: {
        authorization: AUTHORIZATION,
        ...(body !== undefined && { 'content-type': type }),
      },
    })
    return told(method, path, response.statusCode, await response.body.text())
  }

  /** The same for questions that are asked one after the other, with as little work of the client as can be. */
  async ask(method: 'GET' | 'POST', path: string, body?: string): Promise<string> {
    return told(method, path, ...(await this.#connection.send(method, path, body, 'text/plain')))
  }

  /** Seconds of processor time that the process has used. */
  processorSeconds(): number {
    // That of the whole process is told in steps of 10 ms, that of each thread in nanoseconds.
    const threads = `/proc/${this.#child.pid}/task`
    const times = readdirSync(threads).map((thread) => readFileSync(join(threads, thread, 'schedstat'), 'utf8'))
    return times.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e9
  }

  /** Anonymous memory of the process, in bytes. */
  anonymousBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/RssAnon:\s+(\d+)/.exec(status)![1]) * 1024
  }

  /** Stops the node and measures its event files. */
  async stopAndMeasure(): Promise<{ liveBytes: number; fileBytes: number }> {
    await this.#stop()
    const folder = join(this.folder, 'events')
    const total = { liveBytes: 0, fileBytes: 0 }
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.mdb'))) {
      const environment = new BinaryEnvironment(join(folder, file))
      const { liveBytes, fileBytes } = environment.size()
      total.liveBytes += liveBytes
      total.fileBytes += fileBytes
      await environment[Symbol.asyncDispose]()
    }
    return total
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#connection.close()
    await this.#pool.destroy()
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await ended
  }
}

function told(method: string, path: string, status: number, text: string): string {
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`)
  return text
}
