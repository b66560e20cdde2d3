import type { TableColumn } from '../../src/pyql/index.js'
import type { Cell, Person, Row } from './pyql-people.js'

export const oracleColumns: readonly TableColumn[] = [
  { name: 'fruit', type: 'text', isSet: false },
  { name: 'color', type: 'text', isSet: false },
  { name: 'price', type: 'double', isSet: false },
  { name: 'qty', type: 'int', isSet: false },
  { name: 'flag', type: 'bool', isSet: false },
  { name: 'tags', type: 'text', isSet: true },
  { name: 'nums', type: 'int', isSet: true },
]
const texts = ['apple', 'pear', 'orange', '', '1', '2.5', 'Äpfel', '\u{1d4b3}', 'a b', 'true']
const actions = ['view', 'buy', 'leave']

/** Random numbers of a seed: mulberry32. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  chance(p: number): boolean {
    return this.next() < p
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }
}

/** People with rows close together, some of one stamp, many cells None. Sums of prices are exact in any order. */
export function randomPeople(random: Random, most = 6): Person[] {
  const maybe = (make: () => Cell): Cell => (random.chance(0.25) ? null : make())
  const several = (make: () => string | number): Cell => Array.from({ length: random.below(4) }, make)
  return Array.from({ length: 1 + random.below(most) }, (_, i): Person => {
    let stamp = 1_500_000_000_000 + random.below(100) * 86_400_000
    const rows = Array.from({ length: 1 + random.below(7) }, (): Row => {
      if (random.chance(0.7)) stamp += random.pick([1000, 60_000, 3_600_000, 86_400_000, 31_000_000_000])
      const cells = {
        fruit: maybe(() => random.pick(texts)),
        color: maybe(() => random.pick(texts.slice(0, 3))),
        price: maybe(() => random.below(40) / 4 - 2),
        qty: maybe(() => random.below(7) - 1),
        flag: maybe(() => random.chance(0.5)),
        tags: several(() => random.pick(texts)),
        nums: several(() => random.below(4)),
      }
      return { stamp, action: random.pick(actions), cells }
    })
    return { id: random.chance(0.3) ? i : `person ${i}`, rows }
  })
}

/** Random scripts that use the whole language, mostly sensibly. */
export class ScriptGenerator {
  readonly #random: Random
  readonly #mode: 'event' | 'segment' | 'histogram'
  #lines: string[] = []
  #indent = 0
  #loops = 0
  #inFunction = false
  #functions: { name: string; parameters: number }[] = []
  #locals: string[] = []

  constructor(random: Random, mode: 'event' | 'segment' | 'histogram') {
    this.#random = random
    this.#mode = mode
  }

  script(): string {
    if (this.#mode === 'event' && this.#random.chance(0.8)) this.#aggregates()
    for (let i = this.#random.below(3); i > 0; i--) this.#function()
    for (const name of ['n', 'm', 'x', 'y', 'box'])
      if (this.#random.chance(0.6)) this.#line(`${name} = ${this.#start(name)}`)
    this.#block(2 + this.#random.below(3), 0)
    this.#lines.push('y = 0', 'm = 0', 'x = 0', 'n = 0', 'box = 0', 't = 0')
    return `${this.#lines.join('\n')}\n`
  }

  #start(name: string): string {
    if (name === 'n' || name === 'm') return this.#random.pick(['0', '1', '0.5'])
    return name === 'box'
      ? this.#random.pick(['[]', 'set()', '{}', "['a', 1]", "set('apple', 2)", "{'a': 1}"])
      : this.#any(1)
  }

  #line(text: string): void {
    this.#lines.push(`${'    '.repeat(this.#indent)}${text}`)
  }

  #aggregates(): void {
    this.#line('agg:')
    this.#indent++
    this.#line('count person')
    const kinds = ['count', 'sum', 'min', 'max', 'avg', 'val']
    for (let i = 0; i < this.#random.below(5); i++) {
      const kind = this.#random.pick(kinds)
      const numbers = kind === 'sum' || kind === 'avg'
      const column =
        kind === 'count'
          ? this.#random.pick(['fruit', 'tags', 'nums', 'flag', 'price', 'session', 'action', 'person'])
          : this.#random.pick(numbers ? ['price', 'qty', 'flag'] : ['price', 'qty', 'fruit', 'flag'])
      const key = this.#random.chance(0.3) ? ` with ${this.#random.pick(['qty', 'color', 'action', 'flag'])}` : ''
      this.#line(`${kind} ${column} as a${i}${key}${this.#random.chance(0.15) ? ' all' : ''}`)
    }
    if (this.#random.chance(0.3))
      this.#line(this.#random.pick(['var n as vn', 'var x as vx', 'var w << qty * 2', 'var w << fruit']))
    this.#indent--
  }

  #function(): void {
    const name = `f${this.#functions.length}`
    const parameters = this.#random.below(3)
    this.#locals = Array.from({ length: parameters }, (_, i) => `p${i}`)
    this.#line(`def ${name}(${this.#locals.join(', ')}):`)
    this.#indent++
    this.#inFunction = true
    this.#block(1 + this.#random.below(2), 2)
    if (this.#random.chance(0.7)) this.#line(`return ${this.#any(2)}`)
    this.#inFunction = false
    this.#indent--
    this.#locals = []
    this.#functions.push({ name, parameters })
  }

  #block(count: number, depth: number): void {
    for (let i = 0; i < count; i++) this.#statement(depth)
  }

  #statement(depth: number): void {
    const simple: (() => void)[] = [
      () => this.#line(`${this.#variable()} ${this.#random.pick(['=', '=', '<<'])} ${this.#any(2)}`),
      () => this.#line(`${this.#random.pick(['n', 'm'])} = ${this.#number(2)}`),
      () =>
        this.#line(
          `${this.#random.pick(['n', 'm', 'n', 'x'])} ${this.#random.pick(['+=', '-=', '*=', '/='])} ${this.#number(1)}`,
        ),
      () =>
        this.#line(
          `box ${this.#random.pick(['+=', '-='])} ${this.#random.pick([this.#text(1), this.#number(0), this.#container()])}`,
        ),
      () => this.#line(`debug(${this.#any(2)})`),
      () =>
        this.#line(
          `y[${this.#key()}]${this.#random.chance(0.3) ? `[${this.#key()}]` : ''} ${this.#random.pick(['=', '+='])} ${this.#any(1)}`,
        ),
      () => this.#line(`box.${this.#random.pick(['append', 'add', 'update', 'remove'])}(${this.#any(0)})`),
      () => this.#line(this.#random.pick(['del box[0]', "del y['a']", 'del x', 'box.clear()', 'box.pop()'])),
      () => this.#move(),
      () => this.#leave(),
      () => this.#done(),
      () => this.#done(),
    ]
    const nested: (() => void)[] = [
      () => this.#if(depth),
      () => this.#for(depth),
      () => this.#match(depth),
      () => this.#match(depth),
    ]
    if (depth < 4 && this.#random.chance(0.55)) this.#random.pick(nested)()
    else this.#random.pick(simple)()
  }

  /** What the mode is for. */
  #done(): void {
    if (this.#mode === 'histogram')
      this.#line(
        this.#inFunction ? 'return 1' : `return ${this.#random.pick([this.#number(2), 'None', this.#text(0)])}`,
      )
    else if (this.#mode === 'segment') this.#line(this.#random.chance(0.3) ? 'tally' : `tally(${this.#any(0)})`)
    else this.#line(`tally(${Array.from({ length: 1 + this.#random.below(3) }, () => this.#groupKey()).join(', ')})`)
  }

  #groupKey(): string {
    const keys = ['fruit', 'color', 'action', 'qty', 'price', 'flag', 'person', "'all'", 'x', 'n', 'session']
    return this.#random.chance(0.8) ? this.#random.pick(keys) : this.#any(1)
  }

  #move(): void {
    this.#line(
      this.#random.pick([
        'iter_next()',
        'iter_next()',
        'iter_prev()',
        'iter_move_first()',
        'iter_move_last()',
        'iter_set(0)',
      ]),
    )
  }

  #leave(): void {
    const ways = ['exit']
    if (this.#loops > 0)
      ways.push('continue', 'break', 'break', `break ${1 + this.#random.below(this.#loops)}`, 'break all')
    if (this.#loops > 1) ways.push('break top')
    if (!this.#random.chance(0.4)) {
      this.#line('m += 1')
      return
    }
    this.#line(`if ${this.#bool(1)}:`)
    this.#line(`    ${this.#random.pick(ways)}`)
  }

  #if(depth: number): void {
    this.#line(`if ${this.#condition(2)}:`)
    this.#within(depth)
    if (this.#random.chance(0.3)) {
      this.#line(`elif ${this.#condition(1)}:`)
      this.#within(depth)
    }
    if (this.#random.chance(0.4)) {
      this.#line('else:')
      this.#within(depth)
    }
  }

  #within(depth: number): void {
    this.#indent++
    this.#block(1 + this.#random.below(2), depth + 1)
    this.#indent--
  }

  #for(depth: number): void {
    const over = this.#random.pick(['tags', 'nums', 'box', '[1, 2.5, None]', "['apple', 'x']", this.#container(), 'y'])
    this.#line(this.#random.chance(0.15) ? 'for x, t in y:' : `for ${this.#random.pick(['x', 't', 't'])} in ${over}:`)
    this.#loop(depth)
  }

  #match(depth: number): void {
    const word = this.#random.chance(0.2) ? 'reverse_match' : 'match'
    const limit = this.#random.chance(0.3) ? ` ${this.#random.below(4)}` : ''
    const where = this.#random.chance(0.7) ? ` where ${this.#condition(2)}` : ''
    this.#line(`${word}${limit}${where}:`)
    this.#loop(depth)
  }

  #loop(depth: number): void {
    this.#loops++
    const outer = this.#loops
    this.#within(depth)
    this.#loops = outer - 1
  }

  // --- expressions ---

  #variable(): string {
    return this.#random.pick(['x', 'y', 'n', 'm', 'box', ...this.#locals])
  }

  #key(): string {
    return this.#random.pick(["'a'", '0', '-1', '1', 'fruit', 'qty', 'n'])
  }

  #any(depth: number): string {
    const makers = [
      () => this.#number(depth),
      () => this.#text(depth),
      () => this.#bool(depth),
      () => this.#variable(),
      () => 'None',
      () => this.#container(),
    ]
    return this.#random.pick(makers)()
  }

  /** A list that is looked up in a table. */
  #long(): string {
    const item = this.#random.chance(0.5)
      ? (i: number) => `'${texts[i % texts.length]}${i > 11 ? i : ''}'`
      : (i: number) => `${i - 3}`
    const more = this.#random.pick(['', ', None', ", '1'", ', 2.5'])
    return `[${Array.from({ length: 6 + this.#random.below(14) }, (_, i) => item(i + this.#random.below(3))).join(', ')}${more}]`
  }

  #container(): string {
    const item = () => this.#random.pick(["'apple'", "'x'", '1', '2.5', 'True', 'fruit', 'qty'])
    return this.#random.pick([
      () => `[${item()}, ${item()}]`,
      () => `set(${item()}, ${item()})`,
      () => `{'a': ${item()}}`,
      () => `list(${item()})`,
      () => 'tags',
      () => 'nums',
      () => 'box',
      () => `box[${this.#random.pick(['0', '-1', '1:', ':1'])}]`,
    ])()
  }

  #number(depth: number): string {
    const leaves = [
      'qty',
      'price',
      'n',
      'm',
      '0',
      '1',
      '2',
      '3',
      '2.5',
      '0.25',
      '7',
      'iter_get()',
      'session',
      'session_count',
      'event_count()',
      '1 minutes',
    ]
    if (depth <= 0) return this.#random.pick([...leaves, ...this.#locals])
    const inner = () => this.#number(depth - 1)
    const stamp = this.#random.pick(['event_time', 'first_event', 'last_event', 'first_match', 'prev_match', 'now'])
    return this.#random.pick([
      () => `(${inner()} ${this.#random.pick(['+', '-', '*', '/'])} ${inner()})`,
      () => `(${inner()} ${this.#random.pick(['+', '-', '*', '/'])} ${inner()})`,
      () => `-${inner()}`,
      () => `int(${this.#any(0)})`,
      () => `float(${this.#any(0)})`,
      () => `len(${this.#any(0)})`,
      () => `round(${inner()})`,
      () => `round(${inner()}, 1)`,
      () => `trunc(${inner()})`,
      () => `bucket(${inner()}, ${this.#random.pick(['2', '5', '0.5', '0'])})`,
      () =>
        `${this.#random.pick(['get_hour', 'get_month', 'get_year', 'get_day_of_week', 'get_day_of_year', 'get_day_of_month', 'get_quarter'])}(${stamp})`,
      () => `to_days(last_event - ${stamp})`,
      () => this.#inline(),
      () => this.#call(),
      () => inner(),
    ])()
  }

  #inline(): string {
    const op = this.#random.pick(['SUM', 'AVG', 'MIN', 'MAX', 'COUNT', 'DISTINCT'])
    const column = this.#random.pick(
      op === 'SUM' || op === 'AVG'
        ? ['price', 'qty', 'flag', 'nums']
        : ['price', 'qty', 'fruit', 'tags', 'nums', 'action'],
    )
    const key = this.#random.chance(0.2) && op !== 'DISTINCT' ? ` with ${this.#random.pick(['color', 'qty'])}` : ''
    const where = this.#random.chance(0.4) ? ` where ${this.#condition(1)}` : ''
    return `(${op} ${column}${key}${this.#random.chance(0.1) ? ' all' : ''}${where})`
  }

  #call(): string {
    if (this.#functions.length === 0) return 'qty'
    const { name, parameters } = this.#random.pick(this.#functions)
    return `${name}(${Array.from({ length: parameters }, () => this.#any(0)).join(', ')})`
  }

  #text(depth: number): string {
    const constant = `'${this.#random.pick(texts)}'`
    if (depth <= 0) return this.#random.pick([constant, 'fruit', 'color', 'action', constant])
    return this.#random.pick([
      () => `(${this.#text(depth - 1)} + ${this.#any(0)})`,
      () => `(${this.#text(depth - 1)} - ${this.#text(0)})`,
      () => `str(${this.#number(0)})`,
      () => `fix(${this.#number(1)}, 1)`,
      () => `${this.#text(0)}[${this.#random.pick(['0:2', '-2:', '1', ':'])}]`,
      () => `'a-b-'.split('-')`,
      () => this.#text(0),
    ])()
  }

  #bool(depth: number): string {
    if (depth <= 0) return this.#random.pick(['True', 'False', 'flag', 'x', 'fruit', 'qty'])
    const makers = [
      () => `${this.#any(depth - 1)} ${this.#random.pick(['==', '!=', '<', '<=', '>', '>='])} ${this.#any(depth - 1)}`,
      () => `not ${this.#bool(depth - 1)}`,
      () => `(${this.#bool(depth - 1)} ${this.#random.pick(['and', 'or'])} ${this.#bool(depth - 1)})`,
      () => this.#condition(depth - 1),
    ]
    return `(${this.#random.pick(makers)()})`
  }

  /** What is usually asked of a row. */
  #condition(depth: number): string {
    const word = () => `'${this.#random.pick(texts)}'`
    const ops = ['==', '!=', '<', '<=', '>', '>=']
    const simple = [
      () => `action == '${this.#random.pick(actions)}'`,
      () =>
        `fruit ${this.#random.pick(['==', '!=', 'is', 'is not'])} ${this.#random.pick([word(), 'color', 'None', 'x'])}`,
      () => `fruit ${this.#random.pick(['in', 'not in'])} [${word()}, ${this.#random.pick([word(), 'None', '1'])}]`,
      () => `price ${this.#random.pick(ops)} ${this.#random.pick(['2', '2.5', 'qty', 'n', 'None'])}`,
      () => `qty ${this.#random.pick([...ops, 'is', 'is not'])} ${this.#random.pick(['1', '2', 'm', 'None', "'1'"])}`,
      () => `qty in [1, 2, 2.5]`,
      () => `${this.#random.pick(['fruit', 'tags', 'x', 'qty', 'color'])} in ${this.#long()}`,
      () => `flag ${this.#random.pick(['==', '!='])} ${this.#random.pick(['True', 'False', 'None', '1'])}`,
      () => `${this.#random.pick([word(), 'fruit', '1'])} ${this.#random.pick(['in', 'not in'])} tags`,
      () =>
        `tags ${this.#random.pick(['==', '!=', 'in'])} ${this.#random.pick([`[${word()}]`, `['apple', ${word()}]`])}`,
      () => `tags ${this.#random.pick(['==', '!='])} ${this.#random.pick([word(), 'None', 'fruit'])}`,
      () => `${this.#random.pick(['1', 'qty', 'n'])} in nums`,
      () => `nums ${this.#random.pick(['==', '>', '<='])} ${this.#random.pick(['1', '2', 'qty'])}`,
      () =>
        `iter_within(${this.#random.pick(['1 hours', '2 days', '90000'])}, ${this.#random.pick(['prev_match', 'first_match', 'first_event', 'n'])})`,
      () => `iter_between('2017-07-20', '2017-09-01T12:00:00Z')`,
      () => `event_time - first_event < ${this.#random.pick(['1 days', '3 hours'])}`,
      () => `session == ${1 + this.#random.below(3)}`,
      () => this.#random.pick(['fruit', 'qty', 'flag', 'tags', 'price']),
    ]
    if (depth > 0 && this.#random.chance(0.3)) {
      return `${this.#condition(depth - 1)} ${this.#random.pick(['and', 'or', 'and'])} ${this.#condition(depth - 1)}`
    }
    return this.#random.chance(0.1) ? `not ${this.#random.pick(simple)()}` : this.#random.pick(simple)()
  }
}
