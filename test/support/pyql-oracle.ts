import type { Expression, FunctionDefinition, Name, Script, Statement, Subscript } from '../../src/pyql/ast.js'
import type { Scalar, TableColumn } from '../../src/pyql/index.js'
import type { Cell, Person, Row } from './pyql-people.js'

/**
 * PyQL a second time: slow, and plain enough to be read against the language's description. It walks the tree for one
 * person after the other, remembers every tally, and computes the groups from the list of them at the end.
 */

class Num {
  readonly n: number
  readonly whole: boolean

  constructor(n: number, whole: boolean) {
    this.n = n
    this.whole = whole
  }
}
class OracleList {
  items: V[] = []
}
class OracleSet {
  items: V[] = []
}
class OracleDict {
  entries: [V, V][] = []
}
type V = null | boolean | string | Num | OracleList | OracleSet | OracleDict

/** The script fails for this person. */
export class OracleError extends Error {}

/** Lists of lists of lists: there is no end to it in reasonable time. */
export class OracleTired extends Error {}
const TEXT_MAX = 1_000_000
let visits = 0

function tire(): void {
  if (++visits > 100_000) throw new OracleTired()
}

class Break {
  readonly loop: number

  constructor(loop: number) {
    this.loop = loop
  }
}
class Continue {}
class Return {
  readonly value: V

  constructor(value: V) {
    this.value = value
  }
}
class Exit {}

interface Tally {
  path: Scalar[]
  person: number
  row: number
  stamp: number
  /** By aggregate: the value, and the value of the key. */
  values: { value: V; key: V | undefined }[]
}

export interface OracleOptions {
  mode: 'event' | 'segment' | 'histogram'
  columns: readonly TableColumn[]
  now: number
  sessionTime: number
}

export interface OracleResult {
  tallies: Tally[]
  members: number[]
  returned: Scalar[]
  debug: unknown[]
}

const whole = (n: number): V => (Number.isNaN(n) ? null : new Num(n + 0, true))
const decimal = (n: number): V => (Number.isNaN(n) ? null : new Num(n + 0, false))
const isContainer = (v: V) => v instanceof OracleList || v instanceof OracleSet || v instanceof OracleDict

function parse(text: string): number {
  return /^\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*$/.test(text) ? Number(text) : Number.NaN
}

function numberOf(v: V): number {
  if (v instanceof Num) return v.n
  if (typeof v === 'boolean') return v ? 1 : 0
  if (typeof v === 'string') return Number.isNaN(parse(v)) ? 0 : parse(v)
  return Number.NaN
}

function truth(v: V): boolean {
  if (v instanceof Num) return v.n !== 0
  if (v instanceof OracleDict) return v.entries.length > 0
  if (v instanceof OracleList || v instanceof OracleSet) return v.items.length > 0
  return v !== null && v !== false && v !== ''
}

/** A text that is equal for equal keys of sets, dictionaries and groups. */
function identity(v: V): string {
  if (v instanceof Num) return `n${v.n}`
  if (typeof v === 'string') return `s${v}`
  if (typeof v === 'boolean') return `b${v}`
  throw new OracleError('no key')
}

export function scalar(v: V): Scalar {
  if (v instanceof Num) return v.n
  return isContainer(v) ? null : (v as Scalar)
}

/** Containers may contain themselves: deeper than this is refused. */
function checkDepth(depth: number): void {
  tire()
  if (depth > 32) throw new OracleError('too deep')
}

function equal(a: V, b: V, depth = 0): boolean {
  const none = (v: V) => v === null || (v instanceof OracleSet && v.items.length === 0)
  if (a === null || b === null) return none(a) && none(b)
  if (isContainer(a) || isContainer(b)) checkDepth(depth)
  if (a instanceof OracleSet && b instanceof OracleSet) {
    const has = (set: OracleSet, x: V) => set.items.some((item) => identity(item) === identity(x))
    return a.items.length === b.items.length && a.items.every((x) => has(b, x))
  }
  if (a instanceof OracleSet) return !isContainer(b) && a.items.some((item) => equal(item, b))
  if (b instanceof OracleSet) return equal(b, a)
  if (a instanceof OracleList && b instanceof OracleList) {
    return a.items.length === b.items.length && a.items.every((item, i) => equal(item, b.items[i]!, depth + 1))
  }
  if (a instanceof OracleDict && b instanceof OracleDict) {
    const find = (key: V) => b.entries.find(([other]) => identity(other) === identity(key))
    return (
      a.entries.length === b.entries.length &&
      a.entries.every(([k, v]) => find(k) !== undefined && equal(v, find(k)![1], depth + 1))
    )
  }
  if (isContainer(a) || isContainer(b)) return false
  if (typeof a === 'string' && typeof b === 'string') return a === b
  if (typeof a === 'string') return typeof b === 'boolean' ? a === String(b) : parse(a) === numberOf(b)
  if (typeof b === 'string') return equal(b, a)
  return numberOf(a) === numberOf(b)
}

function codePoints(text: string): number[] {
  return [...text].map((character) => character.codePointAt(0)!)
}

export function orderTexts(a: string, b: string): number {
  const [x, y] = [codePoints(a), codePoints(b)]
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i]! - y[i]!
  return x.length - y.length
}

function less(a: V, b: V, orEqual: boolean): boolean {
  if (a instanceof OracleSet) return !isContainer(b) && a.items.some((item) => less(item, b, orEqual))
  if (b instanceof OracleSet) return !isContainer(a) && b.items.some((item) => less(a, item, orEqual))
  if (a === null || b === null || isContainer(a) || isContainer(b)) return false
  if (typeof a === 'string' && typeof b === 'string') return orderTexts(a, b) < 0 || (orEqual && a === b)
  const [x, y] = [a, b].map((v) => (typeof v === 'string' ? parse(v) : numberOf(v))) as [number, number]
  return orEqual ? x <= y : x < y
}

function contains(x: V, container: V): boolean {
  if (container === null) return false
  if (!isContainer(container)) throw new OracleError('in what?')
  if (x instanceof OracleSet) return x.items.some((item) => contains(item, container))
  if (container instanceof OracleList) return container.items.some((item) => equal(item, x))
  if (x === null || isContainer(x)) return false
  return elementsOf(container).some((key) => identity(key) === identity(x))
}

function elementsOf(v: V): V[] {
  if (v === null) return []
  if (v instanceof OracleDict) return v.entries.map(([key]) => key)
  if (v instanceof OracleList || v instanceof OracleSet) return [...v.items]
  throw new OracleError('nothing to go through')
}

function shown(v: V, depth = 0): string {
  if (isContainer(v)) checkDepth(depth)
  const within = depth > 0
  if (v === null) return 'None'
  if (v instanceof Num) return String(v.n)
  if (typeof v === 'string') {
    if (v.length > TEXT_MAX) throw new OracleTired() // what is added to itself doubles each time
    return within ? JSON.stringify(v) : v
  }
  if (typeof v === 'boolean') return String(v)
  if (v instanceof OracleList) return `[${v.items.map((item) => shown(item, depth + 1)).join(', ')}]`
  if (v instanceof OracleSet) return `{${v.items.map((item) => shown(item, depth + 1)).join(', ')}}`
  return `{${v.entries.map(([key, value]) => `${shown(key, depth + 1)}: ${shown(value, depth + 1)}`).join(', ')}}`
}

export function plain(v: V, depth = 0): unknown {
  if (isContainer(v)) checkDepth(depth)
  if (v instanceof Num) return v.n
  if (v instanceof OracleDict)
    return Object.fromEntries(v.entries.map(([key, value]) => [shown(key), plain(value, depth + 1)]))
  if (v instanceof OracleList || v instanceof OracleSet) return v.items.map((item) => plain(item, depth + 1))
  return v
}

function addTo(container: V, x: V): V {
  if (container instanceof OracleList) container.items.push(x)
  else if (container instanceof OracleSet) {
    for (const item of isContainer(x) ? elementsOf(x) : [x]) {
      if (item === null) continue
      if (isContainer(item)) throw new OracleError('no element')
      if (!container.items.some((old) => identity(old) === identity(item))) container.items.push(item)
    }
  } else if (container instanceof OracleDict) {
    if (!(x instanceof OracleDict)) throw new OracleError('no dictionary')
    for (const [key, value] of [...x.entries]) put(container, key, value)
  } else return add(container, x)
  return container
}

function copy(v: V): V {
  const fresh = v instanceof OracleList ? new OracleList() : v instanceof OracleSet ? new OracleSet() : new OracleDict()
  if (v instanceof OracleDict) (fresh as OracleDict).entries = [...v.entries]
  else (fresh as OracleList).items = [...(v as OracleList).items]
  return fresh
}

function add(a: V, b: V): V {
  if (isContainer(a)) return addTo(copy(a), b)
  if (a === null || b === null) return null
  if (typeof a === 'string') return shown(a) + shown(b)
  return arithmetic(a, b, numberOf(a) + numberOf(b))
}

function arithmetic(a: V, b: V, n: number): V {
  const isDecimal = (v: V) => v instanceof Num && !v.whole
  return isDecimal(a) || isDecimal(b) ? decimal(n) : whole(n)
}

function removeFrom(container: V, x: V): V {
  if (!isContainer(container)) return subtract(container, x)
  for (const item of isContainer(x) ? elementsOf(x) : [x]) removeOne(container, item)
  return container
}

function removeOne(container: V, item: V): void {
  if (container instanceof OracleList) {
    const at = container.items.findIndex((other) => equal(other, item))
    if (at !== -1) container.items.splice(at, 1)
  } else if (item !== null && !isContainer(item)) {
    if (container instanceof OracleSet) container.items = container.items.filter((x) => identity(x) !== identity(item))
    if (container instanceof OracleDict)
      container.entries = container.entries.filter(([k]) => identity(k) !== identity(item))
  }
}

function subtract(a: V, b: V): V {
  if (isContainer(a)) return removeFrom(copy(a), b)
  if (a === null || b === null) return null
  if (typeof a === 'string') return shown(b) === '' ? a : a.split(shown(b)).join('')
  return arithmetic(a, b, numberOf(a) - numberOf(b))
}

function binary(op: string, a: V, b: V): V {
  if (op === '+') return add(a, b)
  if (op === '-') return subtract(a, b)
  if (typeof a === 'string' && b !== null) return b
  const [x, y] = [numberOf(a), numberOf(b)]
  if (op === '*') return arithmetic(a, b, x * y)
  if (Number.isNaN(x) || Number.isNaN(y)) return null
  const isDecimal = (v: V, n: number) => (v instanceof Num && !v.whole) || !Number.isInteger(n)
  if (isDecimal(a, x) || isDecimal(b, y)) return y === 0 ? arithmetic(a, b, 0) : arithmetic(a, b, x / y)
  return y === 0 ? whole(0) : whole(Math.trunc(x / y))
}

function put(dict: OracleDict, key: V, value: V): void {
  const id = identity(key)
  const old = dict.entries.find(([other]) => identity(other) === id)
  if (old) old[1] = value
  else dict.entries.push([key, value])
}

function at(object: V, index: V): V {
  if (object === null) return null
  if (object instanceof OracleDict) {
    const id = identity(index)
    return object.entries.find(([key]) => identity(key) === id)?.[1] ?? null
  }
  if (!(object instanceof OracleList) && typeof object !== 'string') throw new OracleError('no entries')
  const items: ArrayLike<V> = typeof object === 'string' ? [...object] : object.items
  const position = Math.trunc(numberOf(index))
  return items[position < 0 ? position + items.length : position] ?? null
}

function setAt(object: V, key: V, value: V): void {
  if (object instanceof OracleDict) {
    put(object, key, value)
    return
  }
  if (!(object instanceof OracleList)) throw new OracleError('no entries to set')
  const position = Math.trunc(numberOf(key))
  const index = position < 0 ? position + object.items.length : position
  if (!(index >= 0 && index < object.items.length)) throw new OracleError('no such position')
  object.items[index] = value
}

const stampMs = (n: number) => (Math.abs(n) < 4102444800 ? n * 1000 : n)
const timeOf = (v: V) => (typeof v === 'string' && !Number.isNaN(Date.parse(v)) ? Date.parse(v) : stampMs(numberOf(v)))

function dateFunction(name: string, ms: number): number {
  const date = new Date(ms)
  const [y, m] = [date.getUTCFullYear(), date.getUTCMonth()]
  const day = 86400000
  const results: Record<string, number> = {
    to_seconds: Math.trunc(ms / 1000),
    to_minutes: Math.trunc(ms / 60000),
    to_hours: Math.trunc(ms / 3600000),
    to_days: Math.trunc(ms / day),
    get_second: date.getUTCSeconds(),
    get_minute: date.getUTCMinutes(),
    get_hour: date.getUTCHours(),
    get_month: m + 1,
    get_quarter: Math.floor(m / 3) + 1,
    get_year: y,
    get_day_of_week: date.getUTCDay() + 1,
    get_day_of_month: date.getUTCDate(),
    get_day_of_year: Math.floor((Date.UTC(y, m, date.getUTCDate()) - Date.UTC(y, 0, 1)) / day) + 1,
    date_second: date.setUTCMilliseconds(0),
    date_minute: date.setUTCSeconds(0, 0),
    date_hour: date.setUTCMinutes(0, 0, 0),
    date_day: date.setUTCHours(0, 0, 0, 0),
    date_week: date.getTime() - date.getUTCDay() * day,
    date_month: Date.UTC(y, m, 1),
    date_quarter: Date.UTC(y, Math.floor(m / 3) * 3, 1),
    date_year: Date.UTC(y, 0, 1),
  }
  return results[name]!
}

function rounded(x: number, places: number): number {
  const factor = 10 ** Math.min(10, Math.max(0, Math.trunc(places) || 0))
  return Math.sign(x) * (Math.floor(Math.abs(x) * factor + 0.5) / factor)
}

interface Frame {
  row: number
  parameters: Map<string, V>
  /** Stamps of the matches around, outermost first. */
  matched: number[]
  /** The stamp of the match around the innermost one, or of that one where it is the only one; 0 outside. */
  prev: number
  loops: number
}

/** Runs a script for all people. */
export function interpret(script: Script, people: readonly Person[], options: OracleOptions): OracleResult {
  visits = 0
  const result: OracleResult = { tallies: [], members: [], returned: [], debug: [] }
  people.forEach((person, index) => {
    new Interpreter(script, person, index, options, result).run()
  })
  return result
}

class Interpreter {
  private readonly variables = new Map<string, V>()

  private readonly script: Script
  private readonly person: Person
  private readonly index: number
  private readonly options: OracleOptions
  private readonly result: OracleResult

  constructor(script: Script, person: Person, index: number, options: OracleOptions, result: OracleResult) {
    this.script = script
    this.person = person
    this.index = index
    this.options = options
    this.result = result
  }

  run(): void {
    try {
      this.block(this.script.body, { row: 0, parameters: new Map(), matched: [], prev: 0, loops: 0 })
    } catch (signal) {
      if (signal instanceof Return) {
        if (isContainer(signal.value) && this.options.mode === 'histogram') throw new OracleError('no number')
        this.result.returned[this.index] = scalar(signal.value)
      } else if (!(signal instanceof Exit)) throw signal
    }
  }

  private get rows(): readonly Row[] {
    return this.person.rows
  }

  private block(body: Statement[], frame: Frame): void {
    for (const statement of body) this.statement(statement, frame)
  }

  private statement(node: Statement, frame: Frame): void {
    tire()
    switch (node.kind) {
      case 'assignment': {
        if (node.target.kind === 'name') {
          const old = node.op === '=' || node.op === '<<' ? null : this.eval(node.target, frame)
          this.set(node.target.name, changed(node.op, old, this.eval(node.value, frame)), frame)
        } else this.assignEntry(node.target, node.op, node.value, frame)
        return
      }
      case 'expression':
        this.call(node.expression, frame)
        return
      case 'if': {
        const branch = node.branches.find(({ condition }) => truth(this.eval(condition, frame)))
        this.block(branch ? branch.body : node.otherwise, frame)
        return
      }
      case 'for':
        this.loop(frame, (loops) => {
          const over = this.eval(node.over, frame)
          const [first, second] = node.names
          if (second && over !== null && !(over instanceof OracleDict)) throw new OracleError('no pairs')
          const items = second
            ? ((over as OracleDict | null)?.entries ?? []).map((entry) => [...entry])
            : elementsOf(over).map((x) => [x])
          for (const [x, y] of items) {
            this.set(first.name, x!, frame)
            if (second) this.set(second.name, y!, frame)
            const inner = { ...frame, loops }
            try {
              this.round(() => this.block(node.body, inner))
            } finally {
              frame.row = inner.row
            }
          }
        })
        return
      case 'match':
        this.loop(frame, (loops) => {
          const most = node.limit ? numberOf(this.eval(node.limit, frame)) : Number.POSITIVE_INFINITY
          let count = 0
          for (let row = frame.row; row >= 0 && row < this.rows.length && count < most; row += node.reverse ? -1 : 1) {
            const around = frame.matched.at(-1)
            if (node.where && !truth(this.eval(node.where, { ...frame, row, prev: around ?? 0 }))) continue
            count++
            const { stamp } = this.rows[row]!
            const matched = [...frame.matched, stamp]
            this.round(() => this.block(node.body, { ...frame, row, matched, prev: around ?? stamp, loops }))
          }
        })
        return
      case 'return':
        throw new Return(node.value ? this.eval(node.value, frame) : null)
      case 'delete': {
        if (node.target.kind === 'name') {
          this.set(node.target.name, null, frame)
          return
        }
        const { root, path } = this.path(node.target, frame)
        const object = path.slice(0, -1).reduce(at, root)
        if (object instanceof OracleList) {
          const position = Math.trunc(numberOf(path.at(-1)!))
          const index = position < 0 ? position + object.items.length : position
          if (index >= 0 && index < object.items.length) object.items.splice(index, 1)
        } else if (isContainer(object)) removeOne(object, path.at(-1)!)
        return
      }
      case 'exit':
        throw new Exit()
      case 'break': {
        const loop = node.levels === 'all' ? 1 : node.levels === 'top' ? 2 : frame.loops - node.levels + 1
        throw new Break(loop)
      }
      case 'continue':
        throw new Continue()
    }
  }

  private loop(frame: Frame, run: (loops: number) => void): void {
    const loops = frame.loops + 1
    try {
      run(loops)
    } catch (signal) {
      if (!(signal instanceof Break) || signal.loop !== loops) throw signal
    }
  }

  private round(run: () => void): void {
    try {
      run()
    } catch (signal) {
      if (!(signal instanceof Continue)) throw signal
    }
  }

  private set(name: string, value: V, frame: Frame): void {
    if (frame.parameters.has(name)) frame.parameters.set(name, value)
    else this.variables.set(name, value)
  }

  private path(target: Subscript, frame: Frame): { name: Name; root: V; path: V[] } {
    const indexes: Expression[] = []
    let object: Expression = target
    for (; object.kind === 'subscript'; object = object.object) indexes.unshift(object.index)
    return {
      name: object as Name,
      root: this.eval(object, frame),
      path: indexes.map((index) => this.eval(index, frame)),
    }
  }

  private assignEntry(target: Subscript, op: string, valueNode: Expression, frame: Frame): void {
    const { name, root, path } = this.path(target, frame)
    const old = op === '=' || op === '<<' ? null : path.reduce(at, root)
    const value = changed(op, old, this.eval(valueNode, frame))
    const base = root ?? new OracleDict()
    let object = base
    for (const key of path.slice(0, -1)) {
      const next = at(object, key) ?? new OracleDict()
      setAt(object, key, next)
      object = next
    }
    setAt(object, path.at(-1)!, value)
    this.set(name.name, base, frame)
  }

  // --- expressions ---

  private eval(node: Expression, frame: Frame): V {
    switch (node.kind) {
      case 'constant':
        return typeof node.value === 'number' ? new Num(node.value, node.type === 'int') : (node.value as V)
      case 'name':
        return this.named(node.name, frame)
      case 'column':
        return this.column(node.name, frame.row)
      case 'unary': {
        const x = this.eval(node.operand, frame)
        return node.op === 'not' ? !truth(x) : arithmetic(x, x, 0 - numberOf(x))
      }
      case 'binary': {
        const a = this.eval(node.left, frame)
        return binary(node.op, a, this.eval(node.right, frame))
      }
      case 'logic': {
        const a = truth(this.eval(node.left, frame))
        return node.op === 'and' ? a && truth(this.eval(node.right, frame)) : a || truth(this.eval(node.right, frame))
      }
      case 'comparison':
        return this.compare(node.op, this.eval(node.left, frame), this.eval(node.right, frame))
      case 'list': {
        const list = new OracleList()
        list.items = node.items.map((item) => this.eval(item, frame))
        return list
      }
      case 'dict': {
        const dict = new OracleDict()
        const entries = node.entries.map(({ key, value }): [V, V] => [this.eval(key, frame), this.eval(value, frame)])
        for (const [key, value] of entries) put(dict, key, value)
        return dict
      }
      case 'subscript':
        return at(this.eval(node.object, frame), this.eval(node.index, frame))
      case 'slice': {
        const object = this.eval(node.object, frame)
        const [from, to] = [node.from, node.to].map((end) => (end ? this.eval(end, frame) : null)) as [V, V]
        const ends: [number, number | undefined] = [
          from === null ? 0 : Math.trunc(numberOf(from)),
          to === null ? undefined : Math.trunc(numberOf(to)),
        ]
        if (object === null) return null
        if (typeof object === 'string') return [...object].slice(...ends).join('')
        if (!(object instanceof OracleList)) throw new OracleError('no slice')
        const list = new OracleList()
        list.items = object.items.slice(...ends)
        return list
      }
      case 'call':
      case 'method':
        return this.call(node, frame)
      case 'aggregate':
        return this.inline(node, frame)
    }
  }

  private compare(op: string, a: V, b: V): boolean {
    switch (op) {
      case '==':
        return equal(a, b)
      case '!=':
        return !equal(a, b)
      case 'in':
        return contains(a, b)
      case 'not in':
        return !contains(a, b)
      default:
        return op[0] === '<' ? less(a, b, op === '<=') : less(b, a, op === '>=')
    }
  }

  private known(name: string): TableColumn | undefined {
    return this.options.columns.find((column) => column.name === name)
  }

  private named(name: string, frame: Frame): V {
    if (frame.parameters.has(name)) return frame.parameters.get(name)!
    if (this.known(name) || name === 'action' || name === '__action') return this.column(name, frame.row)
    return this.variables.has(name) ? this.variables.get(name)! : this.rowValue(name, frame)
  }

  private column(name: string, row: number): V {
    if (name === 'action' || name === '__action') return this.rows[row]!.action
    const { type, isSet } = this.known(name)!
    const cell: Cell = this.rows[row]!.cells[name] ?? null
    const one = (value: Scalar): V => (typeof value === 'number' ? new Num(value, type === 'int') : value)
    if (!isSet) return one(cell as Scalar)
    const set = new OracleSet()
    for (const element of (cell ?? []) as Scalar[]) addTo(set, one(element))
    return set
  }

  private session(row: number): number {
    let session = 1
    for (let i = 1; i <= row; i++)
      if (this.rows[i]!.stamp - this.rows[i - 1]!.stamp > this.options.sessionTime) session++
    return session
  }

  private rowValue(name: string, { row, matched, prev }: Frame): V {
    const { rows } = this
    const newEvent = (i: number) =>
      i === 0 || rows[i]!.stamp !== rows[i - 1]!.stamp || rows[i]!.action !== rows[i - 1]!.action
    switch (name) {
      case 'event_time':
      case '__stamp':
        return whole(rows[row]!.stamp)
      case 'first_event':
        return whole(rows[0]!.stamp)
      case 'last_event':
        return whole(rows.at(-1)!.stamp)
      case 'now':
        return whole(this.options.now)
      case 'first_match':
        return whole(matched[0] ?? 0)
      case 'prev_match':
        return whole(prev)
      case 'iter_get':
        return whole(row)
      case 'event_count':
        return whole(rows.filter((_, i) => newEvent(i)).length)
      case 'session':
      case '__session':
        return whole(this.session(row))
      case 'session_count':
        return whole(this.session(rows.length - 1))
      case 'person':
      case 'people':
        return typeof this.person.id === 'number' ? whole(this.person.id) : this.person.id
      default:
        return null
    }
  }

  private inline(node: Expression & { kind: 'aggregate' }, frame: Frame): V {
    const values: V[] = []
    const taken = new Set<string>()
    for (let row = 0; row < this.rows.length; row++) {
      const here = { ...frame, row }
      if (node.where && !truth(this.eval(node.where, here))) continue
      const value = this.named(node.column.name, here)
      if (value === null) continue
      if (value instanceof OracleSet && value.items.length === 0) continue
      if (!node.all && (node.op === 'SUM' || node.op === 'AVG' || node.op === 'COUNT')) {
        const key = node.key ? this.named(node.key.name, here) : value
        const { stamp, action } = this.rows[row]!
        const event = `${stamp}|${action}|${key === null ? 'None' : isContainer(key) ? row : identity(key)}`
        if (taken.has(event)) continue
        taken.add(event)
      }
      // A set counts as one value of the row, and gives its elements, as they were inserted, to the others.
      const cell = value instanceof OracleSet ? (this.rows[row]!.cells[node.column.name] as Scalar[]) : []
      const { type } = this.known(node.column.name) ?? { type: 'text' }
      const elements = cell.map((x): V => (typeof x === 'number' ? new Num(x, type === 'int') : x))
      if (value instanceof OracleSet && node.op !== 'COUNT') values.push(...elements)
      else values.push(value)
    }
    const isWhole = this.known(node.column.name)?.type !== 'double'
    const numbers = values.map(numberOf)
    const sum = numbers.reduce((a, b) => a + b, 0)
    switch (node.op) {
      case 'COUNT':
        return whole(values.length)
      case 'DISTINCT':
        return whole(new Set(values.map(identity)).size)
      case 'SUM':
        return isWhole ? whole(sum) : decimal(sum)
      case 'AVG':
        return decimal(values.length === 0 ? 0 : sum / values.length)
      default:
        return values.reduce(
          (best: V, x) =>
            best === null || (node.op === 'MIN' ? less(x, best, false) : less(best, x, false)) ? x : best,
          null,
        )
    }
  }

  // --- calls ---

  private call(node: Expression, frame: Frame): V {
    if (node.kind === 'method') {
      const object = this.eval(node.object, frame)
      return method(
        node.name,
        object,
        node.args.map((arg) => this.eval(arg, frame)),
      )
    }
    if (node.kind !== 'call') return this.eval(node, frame)
    // In a segment, a tally says that the person is in; what it would be grouped by does not matter.
    if (node.name === 'tally' && this.options.mode === 'segment') return this.tally([], frame.row)
    const args = node.args.map((arg) => this.eval(arg, frame))
    const own = this.script.functions.find(({ name }) => name === node.name)
    if (own) return this.callOwn(own, args, frame)
    return this.builtIn(node.name, args, frame)
  }

  private callOwn(own: FunctionDefinition, args: V[], frame: Frame): V {
    const parameters = new Map(own.parameters.map(({ name }, i) => [name, args[i]!]))
    try {
      const { row, matched, prev } = frame
      this.block(own.body, { row, parameters, matched, prev, loops: 0 })
    } catch (signal) {
      if (signal instanceof Return) return signal.value
      throw signal
    }
    return null
  }

  private move(frame: Frame, row: number): V {
    if (row < 0 || row >= this.rows.length) throw frame.loops > 0 ? new Break(frame.loops) : new Exit()
    frame.row = row
    return null
  }

  private builtIn(name: string, args: V[], frame: Frame): V {
    const [x = null, y = null] = args
    const number = numberOf(x)
    const { row } = frame
    const isWhole = (v: V) => typeof v === 'boolean' || (v instanceof Num && v.whole)
    if (/^(to|get|date)_/.test(name)) {
      const ms = name === 'get_year' ? stampMs(number) : number
      return Number.isNaN(ms) ? null : whole(dateFunction(name, ms))
    }
    switch (name) {
      case 'tally':
        return this.tally(args, row)
      case 'debug':
        this.result.debug.push(plain(x))
        return null
      case 'log':
        return null
      case 'int':
      case 'trunc':
        return whole(Math.trunc(number))
      case 'float':
        return decimal(number)
      case 'str':
        return shown(x)
      case 'len':
        return whole(typeof x === 'string' ? [...x].length : isContainer(x) ? elementsOf(x).length : 0)
      case 'round':
        return args.length === 1 ? whole(rounded(number, 0)) : decimal(rounded(number, numberOf(y)))
      case 'fix':
        return Number.isNaN(number)
          ? null
          : rounded(number, numberOf(y)).toFixed(Math.min(10, Math.max(0, Math.trunc(numberOf(y)) || 0)))
      case 'bucket': {
        const size = numberOf(y)
        const bucket =
          Number.isNaN(number) || Number.isNaN(size) ? Number.NaN : size === 0 ? 0 : Math.trunc(number / size) * size
        return isWhole(x) && isWhole(y) ? whole(bucket) : decimal(bucket)
      }
      case 'list': {
        const list = new OracleList()
        list.items = args
        return list
      }
      case 'set':
        return args.reduce(addTo, new OracleSet())
      case 'dict':
        return args.reduce(addTo, new OracleDict())
      case 'iter_next':
        return this.move(frame, row + 1)
      case 'iter_prev':
        return this.move(frame, row - 1)
      case 'iter_move_first':
        return this.move(frame, 0)
      case 'iter_move_last':
        return this.move(frame, this.rows.length - 1)
      case 'iter_set':
        if (!(Math.trunc(number) >= 0 && Math.trunc(number) < this.rows.length)) throw new OracleError('no row')
        return this.move(frame, Math.trunc(number))
      case 'iter_within':
        return Math.abs(this.rows[row]!.stamp - timeOf(y)) <= number
      case 'iter_between':
        return this.rows[row]!.stamp >= timeOf(x) && this.rows[row]!.stamp < timeOf(y)
      default:
        return this.rowValue(name, frame)
    }
  }

  private tally(args: V[], row: number): V {
    if (this.options.mode === 'segment') {
      this.result.members.push(this.index)
      throw new Exit()
    }
    const keys = args.map(scalar)
    const end = keys.indexOf(null)
    const frame: Frame = { row, parameters: new Map(), matched: [], prev: 0, loops: 0 }
    const values = this.script.aggregates.map((line) => ({
      value: line.value ? this.eval(line.value, frame) : this.named(line.of.name, frame),
      key: line.key ? this.named(line.key.name, frame) : undefined,
    }))
    const { stamp } = this.rows[row]!
    this.result.tallies.push({ path: end === -1 ? keys : keys.slice(0, end), person: this.index, row, stamp, values })
    return null
  }
}

function changed(op: string, old: V, value: V): V {
  if (op === '+=') return addTo(old, value)
  if (op === '-=') return removeFrom(old, value)
  return op === '*=' || op === '/=' ? binary(op[0]!, old, value) : value
}

function method(name: string, object: V, args: V[]): V {
  if (typeof object === 'string') return textMethod(name, object, args)
  if (!isContainer(object)) throw new OracleError('no methods')
  if (name === 'append' || name === 'add' || name === 'update') for (const x of args) addTo(object, x)
  else if (name === 'remove') for (const x of args) removeFrom(object, x)
  else if (name === 'clear') {
    if (object instanceof OracleDict) object.entries = []
    else (object as OracleList).items = []
  } else if (name === 'pop') {
    const last = elementsOf(object).at(-1) ?? null
    if (object instanceof OracleList) object.items.pop()
    else removeOne(object, last)
    return last
  } else if (name === 'keys') {
    const list = new OracleList()
    list.items = elementsOf(object)
    return list
  } else throw new OracleError('no such method')
  return null
}

function textMethod(name: string, text: string, args: V[]): V {
  const part = args[0] === undefined || args[0] === null ? '' : shown(args[0])
  const [from, to] = [args[1], args[2]].map((arg) => (arg === undefined || arg === null ? undefined : numberOf(arg)))
  if (name === 'strip') return text.trim()
  if (name === 'find') return whole(text.slice(0, Math.max(0, to ?? text.length)).indexOf(part, from ?? 0))
  if (name === 'rfind') return whole(text.slice(0, Math.max(0, to ?? text.length)).lastIndexOf(part))
  if (name !== 'split') throw new OracleError('no such method')
  const list = new OracleList()
  list.items = part === '' ? [text] : text.split(part)
  if (list.items.length > 1 && list.items.at(-1) === '') list.items.pop()
  return list
}

// --- groups ---

interface OracleNode {
  g: Scalar
  c: Scalar[]
  _?: OracleNode[]
}

function orderScalars(a: Scalar, b: Scalar): number {
  const rank = (v: Scalar) => (v === null ? 0 : typeof v === 'boolean' ? 1 : typeof v === 'number' ? 2 : 3)
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  return typeof a === 'string' ? orderTexts(a, b as string) : Number(a) - Number(b)
}

/** The tree of groups of all tallies, ordered by key. */
export function groupsOf(script: Script, result: OracleResult, options: OracleOptions): OracleNode[] {
  const carried = (name: string) => assignsWithArrow(script, name)
  const level = (tallies: Tally[], depth: number): OracleNode[] => {
    const keys = new Map<string, Tally[]>()
    for (const tally of tallies.filter(({ path }) => path.length > depth)) {
      const id = `${typeof tally.path[depth]}${tally.path[depth]}`
      keys.set(id, [...(keys.get(id) ?? []), tally])
    }
    const nodes = [...keys.values()].map((within): OracleNode => {
      const below = level(within, depth + 1)
      const c = aggregatesOf(script, within, options.columns, carried)
      return { g: within[0]!.path[depth]!, c, ...(below.length > 0 ? { _: below } : {}) }
    })
    return nodes.sort((a, b) => orderScalars(a.g, b.g))
  }
  return level(result.tallies, 0)
}

function assignsWithArrow(script: Script, name: string): boolean {
  const within = (body: Statement[]): boolean =>
    body.some((node) => {
      if (node.kind === 'assignment')
        return node.op === '<<' && node.target.kind === 'name' && node.target.name === name
      if (node.kind === 'if') return node.branches.some(({ body: inner }) => within(inner)) || within(node.otherwise)
      return (node.kind === 'for' || node.kind === 'match') && within(node.body)
    })
  return within(script.body) || script.functions.some(({ body }) => within(body))
}

function aggregatesOf(
  script: Script,
  tallies: Tally[],
  columns: readonly TableColumn[],
  carried: (name: string) => boolean,
): Scalar[] {
  if (script.aggregates.length === 0) return [new Set(tallies.map(({ person }) => person)).size]
  return script.aggregates.map((line, index) => {
    const kind =
      line.aggregator?.name ??
      (columns.some(({ name }) => name === line.of.name) ||
      ['person', 'people', 'session', 'action'].includes(line.of.name)
        ? 'count'
        : 'var')
    const isPerson = line.of.name === 'person' || line.of.name === 'people'
    const carries = kind.startsWith('var') && (line.value !== undefined || carried(line.of.name))
    const seen = new Set<string>()
    const taken = tallies.filter(({ person, row, stamp, values }) => {
      const { value, key } = values[index]!
      if (value === null || (value instanceof OracleSet && value.items.length === 0)) return false
      if (line.all || kind.startsWith('val') || carries) return true
      let by = `${row}`
      if (key !== undefined) by = `${key === null ? 'None' : identity(key)}|${stamp}`
      else if (isPerson) by = ''
      else if (line.of.name === 'session') by = identity(value)
      else if (kind.startsWith('var')) by = `${isContainer(value) ? 'container' : identity(value)}|${row}`
      const id = `${person}|${by}`
      if (seen.has(id)) return false
      seen.add(id)
      return true
    })
    const column = columns.find(({ name }) => name === line.of.name)
    const isNumeric = column?.type === 'int' || column?.type === 'double'
    const values = taken.map((tally) => tally.values[index]!.value)
    const sum = values.map(numberOf).reduce((a, b) => a + b, 0)
    if (carries) return carriedOf(taken, index)
    if (kind === 'count' || kind.startsWith('var')) return values.length
    if (kind === 'sum') return values.length === 0 && !isNumeric ? null : sum
    if (kind === 'avg') return values.length === 0 ? 0 : sum / values.length
    if (kind.startsWith('val')) return lastOf(taken, index) ?? (isNumeric ? 0 : null)
    const sorted = values.map(scalar).sort(orderScalars)
    return (kind === 'min' ? sorted[0] : sorted.at(-1)) ?? (isNumeric ? 0 : null)
  })
}

function lastOfEach(tallies: Tally[], index: number): { value: Scalar; stamp: number }[] {
  const people = new Map<number, { value: Scalar; stamp: number }>()
  for (const { person, stamp, values } of tallies) {
    const value = scalar(values[index]!.value)
    if (value !== null) people.set(person, { value, stamp })
  }
  return [...people.values()]
}

function lastOf(tallies: Tally[], index: number): Scalar {
  const last = lastOfEach(tallies, index)
    .sort((a, b) => a.stamp - b.stamp || orderScalars(a.value, b.value))
    .at(-1)
  return last?.value ?? null
}

function carriedOf(tallies: Tally[], index: number): Scalar {
  const each = lastOfEach(tallies, index)
  const others = each.filter(({ value }) => typeof value !== 'number')
  if (others.length > 0) return others.sort((a, b) => a.stamp - b.stamp || orderScalars(a.value, b.value)).at(-1)!.value
  return each.length === 0 ? null : each.reduce((sum, { value }) => sum + (value as number), 0)
}
