import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '../hostile/random.js'
import { eventually } from '../support/eventually.js'
import { type KillableNode, startKillable } from '../support/killable-node.js'
import { withFolder } from '../support/store.js'
import { Caller } from './caller.js'
import { type Body, Door } from './door.js'
import { Report } from './report.js'
import { DATABASE } from './state.js'
import { createTables, faultsIn } from './tables.js'

const SETTINGS = { TRELLIS_ACCESS_PASSWORD_HASH_PASSES: '1', TRELLIS_JOBS_RUNNING_MAX: '4' }
/** So many are acknowledged in each life, however slow the machine is. */
const LIFE_CHANGES_MIN = 40
/** After so many failures the rest says no more. */
const FAILURES_MAX = 10

export interface TrialOptions {
  seed: number
  callers: number
  /** Ends after so many lives of the node, or so many seconds. */
  lives?: number
  seconds?: number
  /** The longest that the node lives after its first changes. */
  lifeMsMax: number
  say?: (line: string) => void
}

/** Kills a node under its callers again and again; after each start all must be as it was acknowledged. */
export async function crashTrial(options: TrialOptions): Promise<Report> {
  const report = new Report(options.say ?? (() => {}))
  await withFolder(async (folder) => {
    await using trial = new Trial(folder, options, report)
    await trial.run()
  })
  return report
}

class Trial implements AsyncDisposable {
  readonly #folder: string
  readonly #options: TrialOptions
  readonly #report: Report
  readonly #luck: Random
  readonly #door = new Door()
  readonly #callers: Caller[]
  #node: KillableNode | undefined

  constructor(folder: string, options: TrialOptions, report: Report) {
    const { seed, callers } = options
    this.#folder = folder
    this.#options = options
    this.#report = report
    this.#luck = new Random(seed)
    this.#callers = Array.from({ length: callers }, (_, number) => new Caller(number, seed, this.#door, report))
  }

  async run(): Promise<void> {
    const { lives = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = this.#options
    const end = performance.now() + seconds * 1_000
    await this.#start()
    await createTables(this.#door)
    for (let life = 1; life <= lives && performance.now() < end; life++) {
      await this.#liveAndDie()
      for (const fault of await faultsIn(this.#folder)) this.#report.fail(fault)
      if (this.#luck.chance(0.15)) await this.#killStarting()
      await this.#start()
      await this.#check(life % 3 === 0)
      if (life % 20 === 0) this.#report.say()
      if (this.#report.failures.length >= FAILURES_MAX) return
    }
    await this.#check(true)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kill()
  }

  async #start(): Promise<void> {
    this.#node = await startKillable(this.#folder, SETTINGS)
    this.#door.open(this.#node.url)
  }

  async #kill(): Promise<void> {
    await this.#node?.kill()
    await this.#door.shut()
  }

  async #liveAndDie(): Promise<void> {
    const { counts, failures } = this.#report
    const enough = counts.acknowledged + LIFE_CHANGES_MIN
    const working = Promise.all(this.#callers.map((caller) => caller.work()))
    await eventually('callers get on', () => counts.acknowledged >= enough || failures.length > 0)
    await delay(this.#luck.next() * this.#options.lifeMsMax)
    await this.#kill()
    counts.kills++
    await working
    const errors = this.#node!.errors()
    if (errors.includes('Error')) this.#report.fail(`the node wrote: ${errors.slice(-500)}`)
  }

  /** Kills a node while it mends what the one before has left, or a moment later. */
  async #killStarting(): Promise<void> {
    const aborted = new AbortController()
    const starting = startKillable(this.#folder, SETTINGS, undefined, aborted.signal)
    starting.catch(() => {}) // it is killed on purpose
    await delay(this.#luck.next() * 1_500)
    aborted.abort()
    await starting.then((node) => node.kill()).catch(() => {})
    this.#report.counts.kills++
  }

  async #check(all: boolean): Promise<void> {
    await Promise.all(this.#callers.map((caller) => caller.check(all)))
    const question = { operation: 'describe_table', database: DATABASE, table: 'visit' }
    const { record_count: count } = await this.#door.ask<Body>(question)
    const visits = this.#callers.reduce((sum, caller) => sum + caller.visits, 0)
    if (count !== visits) this.#report.fail(`${count} events are counted instead of ${visits}`)
  }
}
