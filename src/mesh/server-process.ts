import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { rename, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Problem } from '../lib/index.js'
import { writePrivate } from './files.js'
import type { Log } from './log.js'
import { endOrphan, lockStore, writePid } from './processes.js'
import { canTieToParent, type ServerBinary } from './server-binary.js'
import { drainLog } from './server-log.js'

const run = promisify(execFile)

const READY_MS_MAX = 20_000
const RELOAD_MS_MAX = 5_000
const STOP_MS_MAX = 5_000
/** Waits between restarts double from the first to the last; a server that ran this long starts again at the first. */
const BACK_OFF_MS = { first: 200, last: 5_000, healthy: 30_000 }

export type ServerState = 'stopped' | 'starting' | 'running' | 'waiting'

export interface ServerOptions {
  name: 'hub' | 'leaf'
  /** The name that the server greets with. */
  serverName: string
  binary: ServerBinary
  /** Where configuration, pid and store of the server lie. */
  folder: string
  host: string
  port: number
  log: Log
}

/**
 * One nats-server child: checked, started, watched, and restarted with back-off when it ends by itself. It dies with
 * this process even when this process is killed.
 */
export class ServerProcess implements AsyncDisposable {
  readonly #options: ServerOptions
  readonly #configurationFile: string
  readonly #pidFile: string
  readonly #watchers = new Set<(line: string) => void>()
  #lock: AsyncDisposable | undefined
  #child: ChildProcess | undefined
  /** The configuration on disk, once there is one of this process. */
  #configuration: string | undefined
  #state: ServerState = 'stopped'
  #wanted = false
  #restarts = 0
  #startedAt = 0
  #backOff = BACK_OFF_MS.first
  #retry: NodeJS.Timeout | undefined

  constructor(options: ServerOptions) {
    this.#options = options
    this.#configurationFile = join(options.folder, `${options.name}.conf`)
    this.#pidFile = join(options.folder, `${options.name}.pid`)
  }

  get state(): ServerState {
    return this.#state
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** How often the server had to be started again without being asked to. */
  get restarts(): number {
    return this.#restarts
  }

  /** Milliseconds since 1970 of the last start. */
  get startedAt(): number {
    return this.#startedAt
  }

  /**
   * Starts the server with this configuration and resolves when it answers, or when the first try failed and the next
   * one is planned: `state` tells.
   * @throws Problem mesh_configuration_refused when nats-server does not take the configuration, mesh_store_locked
   * when the store is another process's
   */
  async start(configuration: string): Promise<void> {
    const { folder, name } = this.#options
    await this.#write(configuration)
    this.#lock ??= await lockStore(join(folder, `${name}.lock`))
    const orphan = await endOrphan(this.#pidFile, this.#configurationFile)
    if (orphan) this.#options.log.warn({ server: name, pid: orphan }, 'ended a server that outlived its parent')
    this.#wanted = true
    await this.#try()
  }

  /** Hands a new configuration to the running server. Nothing changes when it is refused. */
  async reload(configuration: string): Promise<void> {
    const before = this.#configuration
    await this.#write(configuration)
    if (this.#state !== 'running') return // The next start reads it, and one that is under way looks again.
    const answer = this.#line(/Reloaded server configuration|Failed to reload/, RELOAD_MS_MAX)
    this.#child!.kill('SIGHUP')
    const line = await answer
    if (!line?.startsWith('Reloaded')) {
      if (before !== undefined) await this.#write(before)
      throw new Problem('mesh_configuration_refused', { server: this.#options.name, reason: line ?? 'no answer' })
    }
  }

  /** Ends the server and starts it again, with a new configuration when one is given. */
  async restart(configuration?: string): Promise<void> {
    if (configuration !== undefined) await this.#write(configuration)
    await this.#end()
    this.#wanted = true
    await this.#try()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
    await rm(this.#pidFile, { force: true })
    await this.#lock?.[Symbol.asyncDispose]()
    this.#lock = undefined
  }

  /** Checks the text with the server's own parser before it takes the place of the last one that worked. */
  async #write(configuration: string): Promise<void> {
    const { binary, name } = this.#options
    const candidate = `${this.#configurationFile}.candidate`
    await writePrivate(candidate, configuration)
    try {
      await run(binary.path, ['-t', '-c', candidate], { timeout: READY_MS_MAX })
    } catch (error) {
      await rm(candidate, { force: true })
      const reason = String((error as { stderr?: string }).stderr ?? error)
        .trim()
        .replaceAll(candidate, `${name}.conf`)
      throw new Problem('mesh_configuration_refused', { server: name, reason })
    }
    await rename(candidate, this.#configurationFile)
    this.#configuration = configuration
  }

  async #try(): Promise<void> {
    this.#state = 'starting'
    const failure = await this.#spawn().catch((error: Error) => error.message)
    if (failure) this.#options.log.error({ server: this.#options.name, reason: failure }, 'nats-server did not start')
  }

  /** Starts the child; resolves with undefined when it answers, else with the reason. */
  async #spawn(): Promise<string | undefined> {
    const { binary, log, name, port } = this.#options
    const tied = await canTieToParent()
    if (!this.#wanted) return undefined
    const configuration = this.#configuration
    const command = [binary.path, '-c', this.#configurationFile]
    if (tied) command.unshift('setpriv', '--pdeathsig', 'KILL')
    const child = this.#childOf(command)
    this.#child = child
    let lastWords = ''
    const watch = (line: string) => {
      lastWords = line
      for (const watcher of this.#watchers) watcher(line)
    }
    // Before all else: an error that nobody hears ends this process.
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', () => resolve(lastWords || 'it ended without a word'))
    })
    void ended.then((reason) => this.#ended(child, reason))
    for (const pipe of [child.stdout, child.stderr]) if (pipe) drainLog(pipe, name, log, watch)
    if (child.pid) await this.#remember(child, tied)
    const outcome = await Promise.race([this.#answers(child), ended])
    if (outcome !== true) {
      child.kill('SIGKILL')
      return outcome || 'it did not answer in time'
    }
    this.#state = 'running'
    this.#startedAt = Date.now()
    log.info({ server: name, pid: child.pid, port }, 'nats-server is running')
    if (this.#configuration !== configuration) child.kill('SIGHUP') // It was changed after this one had read it.
    return undefined
  }

  #childOf([program, ...args]: readonly string[]): ChildProcess {
    try {
      return spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } })
    } catch (error) {
      this.#tryLater(String(error)) // There is no child whose end would be noticed.
      throw error
    }
  }

  /** Writes down who is to be ended should this process be killed; where the two are tied that only is a help. */
  async #remember(child: ChildProcess, tied: boolean): Promise<void> {
    try {
      await writePid(this.#pidFile, child.pid!)
    } catch (error) {
      if (!tied) {
        child.kill('SIGKILL') // Its end has it started again.
        throw error
      }
      this.#options.log.warn({ server: this.#options.name, error: String(error) }, 'the pid could not be written down')
    }
  }

  #ended(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return
    this.#child = undefined
    this.#state = 'stopped'
    if (this.#wanted) this.#tryLater(reason)
  }

  #tryLater(reason: string): void {
    const { log, name } = this.#options
    if (Date.now() - this.#startedAt > BACK_OFF_MS.healthy) this.#backOff = BACK_OFF_MS.first
    this.#state = 'waiting'
    this.#restarts++
    log.warn({ server: name, reason, restart_in_ms: this.#backOff }, 'nats-server ended by itself')
    this.#retry = setTimeout(() => void this.#try(), this.#backOff)
    this.#backOff = Math.min(this.#backOff * 2, BACK_OFF_MS.last)
  }

  async #end(): Promise<void> {
    this.#wanted = false
    clearTimeout(this.#retry)
    const child = this.#child
    this.#child = undefined
    this.#state = 'stopped'
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    const insist = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    await ended
    clearTimeout(insist)
  }

  /** Resolves with true when the server greets on its port, with an empty text when it does not in time. */
  async #answers(child: ChildProcess): Promise<true | ''> {
    const { host, port, serverName } = this.#options
    const until = Date.now() + READY_MS_MAX
    while (Date.now() < until && child.exitCode === null && child.signalCode === null) {
      if ((await greeting(host, port, 1_000))?.server_name === serverName) return true
      await delay(10)
    }
    return ''
  }

  #line(pattern: RegExp, withinMs: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      const done = (line?: string) => {
        clearTimeout(timer)
        this.#watchers.delete(watcher)
        resolve(line)
      }
      const watcher = (line: string) => {
        if (pattern.test(line)) done(line)
      }
      const timer = setTimeout(done, withinMs)
      this.#watchers.add(watcher)
    })
  }
}

/** What a nats-server says about itself when somebody connects. */
export interface Greeting {
  server_id: string
  server_name: string
  version: string
}

/** Connects, reads the server's first line and hangs up. Undefined when nobody is there or it is no nats-server. */
export function greeting(host: string, port: number, withinMs: number): Promise<Greeting | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    let text = ''
    const done = (value?: Greeting) => {
      socket.destroy()
      resolve(value)
    }
    socket.setTimeout(withinMs, done)
    socket.on('error', () => done())
    socket.on('close', () => done())
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.length > 65_536) return done()
      const end = text.indexOf('\r\n')
      if (end < 0) return
      try {
        done(text.startsWith('INFO ') ? (JSON.parse(text.slice(5, end)) as Greeting) : undefined)
      } catch {
        done()
      }
    })
  })
}
