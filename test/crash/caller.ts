import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { eventually } from '../support/eventually.js'
import { type Change, type Kind, Luck } from './change.js'
import { claim, severalTables, transfer } from './contested.js'
import { type Body, type Door, Refused, Unreachable } from './door.js'
import { family } from './families.js'
import { insert, remove, updateIf, updateWhere, upsert } from './items.js'
import { ownTable, ownTableOf } from './own-table.js'
import { type Report, shown } from './report.js'
import { byId, clean, DATABASE, difference, nothing, type Row, type Rows, SHARED, type State } from './state.js'
import { halfPeople, insertVisits, readVisits } from './visits.js'

/** What callers do, and how often. */
const KINDS = (
  [
    [insert, 4],
    [upsert, 2],
    [updateIf, 3],
    [updateWhere, 1],
    [remove, 2],
    [family, 2],
    [claim, 3],
    [transfer, 3],
    [severalTables, 1],
    [ownTable, 5],
    [insertVisits, 3],
  ] as [Kind, number][]
).flatMap(([kind, times]) => Array.from({ length: times }, () => kind))

/** A change whose end is not known yet. */
interface Pending {
  change: Change
  key: string | undefined
  /** What is when it is done. */
  after: State
  job?: string
}

/** Changes what it owns, one change after the other, and remembers what was acknowledged. */
export class Caller {
  readonly #name: string
  readonly #luck: Luck
  readonly #door: Door
  readonly #report: Report
  #state = nothing()
  #pending: Pending | undefined

  constructor(number: number, seed: number, door: Door, report: Report) {
    this.#name = `c${number}`
    this.#luck = new Luck(this.#name, seed * 1_000 + number)
    this.#door = door
    this.#report = report
  }

  /** How many events it has inserted. */
  get visits(): number {
    return Object.keys(this.#state.visit).length
  }

  /** Makes changes until the node is gone. */
  async work(): Promise<void> {
    try {
      for (;;) await this.#step()
    } catch (error) {
      if (!(error instanceof Unreachable)) this.#fail((error as Error).stack ?? String(error))
    }
  }

  /** After a start: what was under way is there whole or not at all, or (if `all`, too) everything is as acknowledged. */
  async check(all: boolean): Promise<void> {
    const pending = this.#pending
    if (pending) await this.#resolve(pending)
    this.#pending = undefined
    if (!all && !pending) return
    const found = await this.#read()
    if (isDeepStrictEqual(found, this.#state)) return
    const after = pending ? ` after ${pending.change.name} ${shown(pending.change.request)}` : ''
    this.#fail(`not as acknowledged${after}: ${difference(found, this.#state)}`)
    this.#state = found
  }

  #fail(text: string): void {
    this.#report.fail(`${this.#name}: ${text}`)
  }

  async #step(): Promise<void> {
    const state = structuredClone(this.#state)
    const kind = this.#luck.of(KINDS)
    const change = await kind({ owner: this.#name, luck: this.#luck, state, door: this.#door })
    if (!change) return
    const pending: Pending = { change, key: this.#luck.chance(0.5) ? randomUUID() : undefined, after: state }
    this.#pending = pending
    await this.#perform(pending)
    this.#pending = undefined
  }

  /** Sends a change and takes note of what became of it. */
  async #perform(pending: Pending, there = 0): Promise<void> {
    const { change, key, after } = pending
    try {
      const answer = key === undefined ? await this.#door.ask(change.request) : await this.#askOften(change, key)
      if (change.mustRefuse) this.#fail(`${change.name} was not refused: ${shown(change.request)}`)
      const fault = change.fault?.(answer, there)
      if (fault) this.#fail(`${change.name}: ${fault}`)
      this.#state = after
      this.#report.acknowledged(change.name)
      if (change.job) await this.#awaitJob(pending, String(answer['job_id']))
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      this.#report.counts.refused++
      if (error.code !== change.mustRefuse && error.code !== change.mayRefuse)
        this.#fail(`${change.name}: ${error.message} for ${shown(change.request)}`)
    }
  }

  /** Sends a change, now and then two or three times, which must not make a difference; then its key is used up. */
  async #askOften({ name, request, mayRefuse }: Change, key: string): Promise<Body> {
    const twin = this.#luck.chance(0.2) ? this.#door.ask(request, key) : undefined
    twin?.catch(() => {}) // what it says is waited for below
    // A refusal is not remembered: what refused the one, a value that another had, may be gone for the other.
    const isRefused = (error: unknown) => error instanceof Refused && error.code === mayRefuse
    const first = await this.#door.ask(request, key).catch((error: unknown) => {
      if (twin && isRefused(error)) return undefined
      throw error
    })
    const answer = first ?? (await twin!)
    const same = (other: Body, how: string) => {
      this.#report.counts.twice++
      if (!isDeepStrictEqual(other, answer)) this.#fail(`${name} ${how}: ${shown(answer)} and ${shown(other)}`)
    }
    if (first && twin) {
      const second = await twin.catch((error: unknown) => {
        if (isRefused(error)) return undefined
        throw error
      })
      if (second) same(second, 'sent twice at once')
    }
    if (this.#luck.chance(0.1)) {
      same(await this.#door.ask(request, key), 'repeated')
      await this.#reuse(key)
    }
    return answer
  }

  async #reuse(key: string): Promise<void> {
    const other = { operation: 'delete', database: DATABASE, table: 'item', ids: ['reused'] }
    const code = await this.#door.ask(other, key).catch((error) => {
      if (error instanceof Refused) return error.code
      throw error
    })
    if (code !== 'idempotency_key_reused') this.#fail(`a key was taken for another request: ${shown(code)}`)
  }

  async #awaitJob(pending: Pending, id: string): Promise<void> {
    pending.job = id
    await eventually(`the job of ${pending.change.name} ends`, async () => {
      const [job] = await this.#door.ask<[Body]>({ operation: 'get_job', id })
      if (job['status'] === 'ERROR' || job['status'] === 'CANCELLED') this.#fail(`a job ended: ${shown(job)}`)
      return job['status'] !== 'CREATED' && job['status'] !== 'IN_PROGRESS'
    })
    this.#report.counts.jobs++
  }

  /** Finds out what became of a change that a kill cut off, and sends it again if it has a key. */
  async #resolve(pending: Pending): Promise<void> {
    const { counts } = this.#report
    counts.unknown++
    if (pending.job !== undefined) return await this.#awaitJob(pending, pending.job)
    if (pending.change.job) return await this.#resolveJob(pending)
    const found = await this.#read()
    if (pending.change.inParts) return await this.#resolveParts(pending, found)
    const before = this.#state
    const wanted = pending.change.mustRefuse ? before : pending.after
    const isBefore = isDeepStrictEqual(found, before)
    const isAfter = isDeepStrictEqual(found, wanted)
    if (!isBefore && !isAfter)
      this.#fail(`${pending.change.name} by half: ${difference(found, before)}; or ${difference(found, wanted)}`)
    if (isAfter && !isBefore) counts.stored++
    if (isBefore && !isAfter) counts.notStored++
    if (pending.key === undefined) this.#state = isAfter ? wanted : before
    else {
      await this.#repeat(pending)
      if (isAfter && !isBefore && this.#state === before) this.#fail(`${pending.change.name} was done and then refused`)
    }
  }

  async #repeat(pending: Pending, there = 0): Promise<void> {
    this.#report.counts.repeated++
    await this.#perform(pending, there)
  }

  /** Events: each person's are there, or none of the batch; the same events again change nothing, with a key or without. */
  async #resolveParts(pending: Pending, found: State): Promise<void> {
    const { visit: before, ...others } = this.#state
    const { visit, ...othersFound } = found
    const half = halfPeople(visit, before, pending.after.visit)
    if (half.length > 0) this.#fail(`events by half, of ${half}: ${shown(pending.change.request)}`)
    if (!isDeepStrictEqual(othersFound, others))
      this.#fail(`events have changed records: ${difference(found, this.#state)}`)
    const there = Object.keys(visit).length - Object.keys(before).length
    if (there > 0) this.#report.counts.stored++
    else this.#report.counts.notStored++
    await this.#repeat(pending, pending.key === undefined ? there : 0)
  }

  /** Rows do not tell whether a job was stored; a repeat does, or its effect when no job is left. */
  async #resolveJob(pending: Pending): Promise<void> {
    if (pending.key !== undefined) return await this.#repeat(pending)
    await eventually('jobs end', async () => !(await this.#jobsAreOpen()))
    const found = await this.#read()
    if (isDeepStrictEqual(found, pending.after)) this.#state = pending.after
    else if (!isDeepStrictEqual(found, this.#state))
      this.#fail(`the job of ${pending.change.name} has left ${difference(found, pending.after)}`)
  }

  async #jobsAreOpen(): Promise<boolean> {
    const [from_date, to_date] = [-1, 1].map((hours) => new Date(Date.now() + hours * 3_600_000).toISOString())
    const jobs = await this.#door.ask<Body[]>({ operation: 'search_jobs_by_start_date', from_date, to_date })
    return jobs.some(({ status }) => status === 'CREATED' || status === 'IN_PROGRESS')
  }

  async #read(): Promise<State> {
    const state = nothing()
    for (const table of SHARED)
      state[table] = await this.#rows({ database: DATABASE, table, where: [['owner', '=', this.#name]] })
    state.visit = await readVisits(this.#door, this.#name, (text) => this.#fail(text))
    state.own = await this.#readOwn()
    return state
  }

  async #readOwn(): Promise<State['own']> {
    const table = ownTableOf(this.#name)
    const describe = { operation: 'describe_table', ...table }
    const described = await this.#door.askFor<{ attributes: { attribute: string }[] }>(describe, 'table_not_found')
    if (!described) return undefined
    const names = described.attributes.map(({ attribute }) => attribute)
    return { columns: names.filter((name) => !name.startsWith('__')).sort(), rows: await this.#rows(table) }
  }

  async #rows(question: Body): Promise<Rows> {
    const rows: Row[] = []
    let cursor: unknown
    do {
      const select = { operation: 'select', ...question, select: '*', orderby: 'id', limit: 5_000 }
      const page = await this.#door.ask<{ data: Row[]; next?: unknown }>(cursor ? { ...select, cursor } : select)
      rows.push(...page.data.map(clean))
      cursor = page.next
    } while (cursor)
    const found = byId(rows)
    if (Object.keys(found).length < rows.length) this.#fail(`${shown(question)} gave a record twice`)
    this.#report.counts.rowsCompared += rows.length
    return found
  }
}
