import { rmSync } from 'node:fs'
import { expect } from 'chai'
import { type EventColumn, EventStore, type EventTable, type PersonId } from '../../src/analytics/index.js'
import { Chance, PlainStore } from './plain-store.js'
import { columnLimits, ENVIRONMENTS, eventFolder, settings } from './settings.js'

const COLUMNS: readonly Omit<EventColumn, 'id'>[] = [
  { name: 'word', type: 'text', isSet: false },
  { name: 'count', type: 'int', isSet: false },
  { name: 'price', type: 'double', isSet: false },
  { name: 'flag', type: 'bool', isSet: false },
  { name: 'words', type: 'text', isSet: true },
  { name: 'sizes', type: 'double', isSet: true },
  { name: 'flags', type: 'bool', isSet: true },
  { name: 'rare', type: 'text', isSet: false },
]

/** One random life of a table: inserts, columns that come and go, folds and restarts, compared with the plain store. */
class Life {
  readonly #chance: Chance
  readonly #folder = eventFolder()
  readonly #plain = new PlainStore()
  #nextColumn = 1
  #table: EventTable
  #store!: EventStore
  #sent: ReturnType<Life['event']>[] = []

  constructor(seed: number, partitions: number) {
    this.#chance = new Chance(seed)
    this.#table = { id: 3, version: 1, partitions, zOrder: ['first', 'second'], foldCase: false, columns: [] }
    for (let count = 0; count < 5; count++) this.#addColumn()
  }

  async live(steps: number): Promise<void> {
    try {
      await this.#open()
      for (let step = 0; step < steps; step++) await this.#step()
      await this.#compare()
      await this.#store.fold(this.#table)
      expect((await this.#store.figures(this.#table)).delta).to.equal(0)
      await this.#compare()
      await this.#restart()
      await this.#compare()
    } finally {
      await this.#store[Symbol.asyncDispose]()
      rmSync(this.#folder, { recursive: true, force: true })
    }
  }

  async #open(): Promise<void> {
    const workers = 1 + this.#chance.below(2)
    this.#store = await EventStore.open({ folder: this.#folder, settings, workers }, [this.#table])
  }

  async #restart(): Promise<void> {
    await this.#store[Symbol.asyncDispose]()
    await this.#open()
  }

  async #step(): Promise<void> {
    const chance = this.#chance
    const dice = chance.below(60)
    if (dice < 5) await this.#restart()
    else if (dice < 10) this.#addColumn()
    else if (dice < 14) this.#dropColumn()
    else if (dice < 20) await this.#compare()
    const folding = chance.in(5) ? this.#store.fold(this.#table) : undefined
    const place = [chance.below(this.#table.partitions), chance.below(ENVIRONMENTS)] as const
    const moving = chance.in(3) ? this.#store.movePartition(this.#table, ...place) : undefined
    const events = Array.from({ length: chance.below(60) }, () =>
      this.#sent.length > 0 && chance.in(6) ? chance.of(this.#sent) : this.event(),
    )
    this.#sent.push(...events)
    const expected = this.#plain.insert(this.#table, events)
    const { inserted, duplicates, rejected } = await this.#store.insert(this.#table, this.#body(events))
    expect({ inserted, duplicates, rejected }).to.deep.equal({ ...expected, rejected: [] })
    await folding
    await moving
  }

  #body(events: readonly unknown[]): string | readonly unknown[] {
    return this.#chance.in(3) ? events : JSON.stringify(events)
  }

  event() {
    const chance = this.#chance
    const person: PersonId = chance.in(5) ? chance.below(10) : `p${chance.below(chance.in(3) ? 300 : 12)}`
    const stamp = 1_500_000_000_000 + chance.below(chance.in(3) ? 5 : 100_000) * 1000
    return { person, stamp, action: chance.of(['first', 'second', 'third', 'fourth']), _: this.#values(2) }
  }

  #values(depth: number): Record<string, unknown> {
    const chance = this.#chance
    const values: Record<string, unknown> = {}
    for (const { name, type, isSet } of this.#table.columns) {
      if (chance.in(2)) continue
      const value = () => this.#value(type)
      if (isSet) values[name] = Array.from({ length: chance.below(4) }, value)
      else values[name] = depth > 0 && chance.in(12) ? Array.from({ length: 1 + chance.below(3) }, value) : value()
    }
    if (depth > 0 && chance.in(8)) values._ = Array.from({ length: 1 + chance.below(3) }, () => this.#values(depth - 1))
    return values
  }

  #value(type: EventColumn['type']): unknown {
    const chance = this.#chance
    switch (type) {
      case 'text':
        return chance.in(20) ? `long ${chance.below(400)} ü€` : `w${chance.below(6)}`
      case 'int':
        return chance.in(10) ? chance.of([2 ** 40, -(2 ** 33), 0, -1, Number.MAX_SAFE_INTEGER]) : chance.below(300) - 20
      case 'double':
        return chance.in(3) ? chance.below(9) : chance.of([0.1, 99.95, -1e300, 5e-324, 12.5])
      case 'bool':
        return chance.in(2)
    }
  }

  #addColumn(): void {
    const names = new Set(this.#table.columns.map(({ name }) => name))
    const missing = COLUMNS.filter(({ name }) => !names.has(name))
    if (missing.length === 0) return
    const column = { ...this.#chance.of(missing), id: this.#nextColumn++ }
    this.#table = { ...this.#table, version: this.#table.version + 1, columns: [...this.#table.columns, column] }
  }

  #dropColumn(): void {
    const dropped = this.#chance.of(this.#table.columns)
    if (!dropped) return
    const columns = this.#table.columns.filter((column) => column !== dropped)
    this.#table = { ...this.#table, version: this.#table.version + 1, columns }
  }

  async #compare(): Promise<void> {
    const names = this.#table.columns.map(({ name }) => name)
    for (const person of this.#plain.people.keys()) {
      const rows = await this.#store.person(this.#table, person, names)
      expect(rows, `rows of ${person}`).to.deep.equal(this.#plain.rowsOf(this.#table, person))
    }
    for (const name of names) {
      const { people, byValue } = this.#plain.column(this.#table, name)
      const tree = await this.#store.column(this.#table, { column: name, segments: [], limits: columnLimits })
      expect(tree.people).to.deep.equal([people])
      expect(new Map(tree.values.map(({ value, counts }) => [value, counts[0]]))).to.deep.equal(byValue)
    }
  }
}

describe('the event store, against a plain one', function () {
  const lives = Number(process.env.TRELLIS_EVENT_LIVES ?? 2)
  const first = Number(process.env.TRELLIS_EVENT_SEED ?? 1)
  this.timeout(300_000 + lives * 10_000)
  for (const partitions of [1, 2, 7, 16]) {
    it(`keeps what was inserted, at ${partitions} partitions`, async () => {
      const seeds = Array.from({ length: lives }, (_, at) => first + at)
      // Much of the time is waiting for threads and for the disk.
      const lane = async () => {
        for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift())
          await new Life(seed * 100 + partitions, partitions).live(30)
      }
      await Promise.all([lane(), lane(), lane(), lane()])
    })
  }
})
