import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Pool } from 'undici'
import { BinaryEnvironment } from '../../src/storage/index.js'

const PASSWORD = 'a-password-of-benches'

/** A node in a process of its own, and the way to it. */
export class Server implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #pool: Pool
  readonly folder: string

  private constructor(child: ChildProcess, url: string, folder: string) {
    this.#child = child
    this.#pool = new Pool(url, { connections: 8 })
    this.folder = folder
  }

  static async start(): Promise<Server> {
    const folder = mkdtempSync(join(process.cwd(), 'bench-data-'))
    const settings = { data_dir: folder, 'http.port': '0', 'admin.password': PASSWORD, 'log.level': 'warn' }
    const flags = Object.entries(settings).map(([path, value]) => `--${path}=${value}`)
    const child = spawn(process.execPath, ['dist/src/main.js', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout!.once('data', (chunk: Buffer) => resolve(chunk.toString()))
      child.once('exit', (code) => reject(new Error(`the node ended with ${code}`)))
    })
    const url = /https?:\/\/[^\s"']+/.exec(line)![0].replace(/\/$/, '')
    return new Server(child, url, folder)
  }

  async send(method: 'GET' | 'POST', path: string, body?: string, type = 'application/json'): Promise<string> {
    const response = await this.#pool.request({
      method,
      path,
      body: body ?? null,
      headers: {
        authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`,
        ...(body !== undefined && { 'content-type': type }),
      },
    })
    const text = await response.body.text()
    if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 500)}`)
    return text
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
    await this.#pool.destroy()
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await ended
  }
}
