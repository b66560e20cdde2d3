import { errorAt, PyqlError, type PyqlErrorKind } from '../errors.js'
import { Dict, Double, type Key, List, SetOf } from './containers.js'
import { dateFunctions, readTime, toMilliseconds } from './dates.js'
import { bucketOf, divideDoubles, divideInts, fixTo, roundTo } from './numbers.js'
import { apart, charactersOf, compareText, findText, readNumber, sliceText, splitUrl } from './text.js'

/** A value of a type that is not known when a script is compiled. null is None. */
export type Value = null | boolean | number | string | Double | List | SetOf | Dict

/** Containers within containers deeper than this are refused: they may contain themselves. */
const nestingMax = 32

/**
 * Operations on values of unknown type. Where the types are known, compiled programs compute on numbers and codes
 * directly; the meaning is the same, and `numeric` gives numbers of known type to these operations.
 */
export class Values {
  readonly #text: string
  readonly #memoryMax: number
  #memory = 0

  constructor(text: string, memoryMax: number) {
    this.#text = text
    this.#memoryMax = memoryMax
  }

  protected resetMemory(): void {
    this.#memory = 0
  }

  fail(at: number, message: string, kind: PyqlErrorKind = 'run_time'): PyqlError {
    return at < 0 ? new PyqlError(kind, message) : errorAt(this.#text, { start: at, end: at + 1 }, kind, message)
  }

  /** Counts elements and characters that a script makes for one person. */
  #charge(amount: number): void {
    this.#memory += amount
    if (this.#memory > this.#memoryMax) {
      throw this.fail(
        -1,
        `The script keeps more than ${this.#memoryMax} elements and characters for one person.`,
        'limit',
      )
    }
  }

  /** Counts the elements that an operation looks at as steps of the script. */
  protected spend(_steps: number): void {}

  /** A number whose type is known, as a value: NaN is None. */
  int(x: number): Value {
    return Number.isNaN(x) ? null : x
  }

  double(x: number): Value {
    return Number.isNaN(x) ? null : new Double(x)
  }

  /** The number that a value counts as: texts that are none count 0; NaN for None and containers. */
  number(x: Value): number {
    if (typeof x === 'number') return x
    if (x instanceof Double) return x.value
    if (typeof x === 'boolean') return x ? 1 : 0
    if (typeof x === 'string') return readNumber(x) || 0
    return Number.NaN
  }

  truth(x: Value): boolean {
    if (x instanceof Double) return x.value !== 0
    if (x instanceof List) return x.items.length > 0
    if (x instanceof SetOf) return x.items.size > 0
    if (x instanceof Dict) return x.entries.size > 0
    return Boolean(x)
  }

  present(x: Value): boolean {
    return !isNone(x)
  }

  /** The key by which a set, a dictionary or a group knows a value; undefined for None and containers. */
  keyOf(x: Value): Key | undefined {
    if (x instanceof Double) return x.value + 0
    if (typeof x === 'number') return x + 0
    return typeof x === 'string' || typeof x === 'boolean' ? x : undefined
  }

  #key(x: Value, at: number): Key {
    const key = this.keyOf(x)
    if (key === undefined) throw this.fail(at, `${kindOf(x)} cannot be a key or an element of a set.`)
    return key
  }

  // --- arithmetic ---

  add(a: Value, b: Value): Value {
    if (isContainer(a)) return this.addTo(this.#copy(a), b, -1)
    if (a === null || b === null) return null
    if (typeof a === 'string') return a + this.str(b)
    return this.#numeric(a, b, this.number(a) + this.number(b))
  }

  subtract(a: Value, b: Value): Value {
    if (isContainer(a)) return this.removeFrom(this.#copy(a), b)
    if (a === null || b === null) return null
    if (typeof a === 'string') {
      const part = this.str(b)
      this.spend(a.length)
      return part === '' ? a : a.replaceAll(part, '')
    }
    return this.#numeric(a, b, this.number(a) - this.number(b))
  }

  multiply(a: Value, b: Value): Value {
    if (typeof a === 'string' && b !== null) return b // a text that is multiplied or divided gives way to the right side
    return this.#numeric(a, b, this.number(a) * this.number(b))
  }

  divide(a: Value, b: Value): Value {
    if (typeof a === 'string' && b !== null) return b
    const x = this.number(a)
    const y = this.number(b)
    const doubles = a instanceof Double || b instanceof Double || !Number.isInteger(x) || !Number.isInteger(y)
    return doubles ? this.#numeric(a, b, divideDoubles(x, y)) : this.int(divideInts(x, y))
  }

  negate(a: Value): Value {
    return this.#numeric(a, a, 0 - this.number(a))
  }

  /** A result is a double when an operand is, or when it cannot be an int. */
  #numeric(a: Value, b: Value, result: number): Value {
    return a instanceof Double || b instanceof Double ? this.double(result) : this.int(result)
  }

  #characters(text: string): string | readonly string[] {
    this.spend(text.length)
    return charactersOf(text)
  }

  #made(text: string): string {
    this.#charge(text.length)
    return text
  }

  // --- comparison ---

  /** A set equals a single value when any element does; other containers equal their likes. */
  equals(a: Value, b: Value, depth = 0): boolean {
    if (a === null || b === null) return isNone(a) && isNone(b)
    if (isContainer(a) || isContainer(b)) return this.#equalContainers(a, b, depth)
    if (typeof a === 'string' && typeof b === 'string') return a === b
    if (typeof a === 'string' || typeof b === 'string') return this.#equalToText(a, b)
    return this.number(a) === this.number(b)
  }

  #equalToText(a: Value, b: Value): boolean {
    const [text, other] = typeof a === 'string' ? [a, b] : [b as string, a]
    return typeof other === 'boolean' ? text === String(other) : readNumber(text) === this.number(other)
  }

  #equalContainers(a: Value, b: Value, depth: number): boolean {
    if (depth > nestingMax) throw this.fail(-1, `Containers are nested deeper than ${nestingMax}.`)
    this.spend(this.len(a) + this.len(b))
    if (a instanceof SetOf && b instanceof SetOf) return sameKeys(a.items, b.items)
    if (a instanceof SetOf && !isContainer(b)) return someOf(a.items.values(), (item) => this.equals(item, b))
    if (b instanceof SetOf && !isContainer(a)) return this.equals(b, a)
    if (a instanceof List && b instanceof List) {
      const same = (item: Value, i: number) => this.equals(item, b.items[i]!, depth + 1)
      return a.items.length === b.items.length && a.items.every(same)
    }
    if (!(a instanceof Dict && b instanceof Dict) || !sameKeys(a.entries, b.entries)) return false
    return !someOf(a.entries, ([key, value]) => !this.equals(value, b.entries.get(key)!, depth + 1))
  }

  /** Whether a < b (or a <= b). None and containers have no order; of a set, any element may do. */
  less(a: Value, b: Value, orEqual: boolean): boolean {
    if (a instanceof SetOf) return !isContainer(b) && someOf(a.items.values(), (item) => this.less(item, b, orEqual))
    if (b instanceof SetOf) return !isContainer(a) && someOf(b.items.values(), (item) => this.less(a, item, orEqual))
    if (a === null || b === null || isContainer(a) || isContainer(b)) return false
    if (typeof a === 'string' && typeof b === 'string') {
      const order = compareText(a, b)
      return order < 0 || (orEqual && order === 0)
    }
    const x = typeof a === 'string' ? readNumber(a) : this.number(a)
    const y = typeof b === 'string' ? readNumber(b) : this.number(b)
    return orEqual ? x <= y : x < y
  }

  more(a: Value, b: Value, orEqual: boolean): boolean {
    return this.less(b, a, orEqual)
  }

  /** Whether x, or any element of x when it is a set, is in a container. */
  contains(x: Value, container: Value, at: number): boolean {
    if (container === null) return false
    if (!isContainer(container))
      throw this.fail(at, `'in' looks into a list, a set or a dictionary, not into ${kindOf(container)}.`)
    if (x instanceof SetOf) return someOf(x.items.values(), (item) => this.contains(item, container, at))
    if (container instanceof List) this.spend(container.items.length)
    if (container instanceof List) return container.items.some((item) => this.equals(item, x))
    const keys = container instanceof SetOf ? container.items : container.entries
    const key = this.keyOf(x)
    return key !== undefined && keys.has(key)
  }

  // --- containers ---

  list(items: Value[]): List {
    this.#charge(items.length + 1)
    return new List(items)
  }

  dict(entries: [Value, Value][], at: number): Dict {
    this.#charge(entries.length + 1)
    const dict = new Dict()
    for (const [key, value] of entries) dict.entries.set(this.#key(key, at), value)
    return dict
  }

  /** set(…): the arguments; containers among them give their elements. */
  set(items: Value[], at: number): SetOf {
    this.#charge(1)
    const set = new SetOf()
    for (const item of items) this.addTo(set, item, at)
    return set
  }

  /** dict(…): the entries of dictionaries. */
  dictOf(items: Value[], at: number): Dict {
    const dict = this.dict([], at)
    for (const item of items) this.addTo(dict, item, at)
    return dict
  }

  #copy(x: List | SetOf | Dict): List | SetOf | Dict {
    if (x instanceof List) return this.list([...x.items])
    if (x instanceof SetOf) return this.set([x], -1)
    return this.dictOf([x], -1)
  }

  /** Adds in place: a list takes one element, a set elements, a dictionary the entries of another. */
  addTo(container: Value, x: Value, at: number): Value {
    if (!isContainer(container)) return this.add(container, x)
    this.#charge(1)
    if (container instanceof List) container.items.push(x)
    else if (container instanceof SetOf) this.#addToSet(container, x, at)
    else this.#addToDict(container, x, at)
    return container
  }

  #addToSet(set: SetOf, x: Value, at: number): void {
    if (x === null) return
    if (!isContainer(x)) {
      const key = this.#key(x, at)
      if (!set.items.has(key)) set.items.set(key, x)
    } else for (const item of this.iterate(x, at)) this.#addToSet(set, this.#single(item, at), at)
  }

  #single(item: Value, at: number): Value {
    if (isContainer(item)) throw this.fail(at, `${kindOf(item)} cannot be an element of a set.`)
    this.#charge(1)
    return item
  }

  #addToDict(dict: Dict, x: Value, at: number): void {
    if (!(x instanceof Dict)) throw this.fail(at, `Only a dictionary can be added to a dictionary, not ${kindOf(x)}.`)
    this.#charge(x.entries.size)
    for (const [key, value] of x.entries) dict.entries.set(key, value)
  }

  /** Removes in place: one value or key, or every element of a container. */
  removeFrom(container: Value, x: Value): Value {
    if (!isContainer(container)) return this.subtract(container, x)
    for (const item of isContainer(x) ? this.iterate(x, -1) : [x]) this.#remove(container, item)
    return container
  }

  #remove(container: List | SetOf | Dict, item: Value): void {
    if (container instanceof List) {
      this.spend(container.items.length)
      const at = container.items.findIndex((other) => this.equals(other, item))
      if (at !== -1) container.items.splice(at, 1)
      return
    }
    const key = this.keyOf(item)
    const keys = container instanceof SetOf ? container.items : container.entries
    if (key !== undefined) keys.delete(key)
  }

  /** What `for x in` goes through, as it is now. */
  iterate(x: Value, at: number): Value[] {
    if (x === null) return []
    if (isContainer(x)) this.spend(this.len(x))
    if (x instanceof List) return [...x.items]
    if (x instanceof SetOf) return [...x.items.values()]
    if (x instanceof Dict) return [...x.entries.keys()]
    throw this.fail(at, `'for' goes through a list, a set or a dictionary, not through ${kindOf(x)}.`)
  }

  pairs(x: Value, at: number): [Value, Value][] {
    if (x === null) return []
    if (x instanceof Dict) {
      this.spend(x.entries.size)
      return [...x.entries]
    }
    throw this.fail(at, `'for' with two variables goes through a dictionary, not through ${kindOf(x)}.`)
  }

  /** An entry, or None where there is none. */
  at(object: Value, index: Value, at: number): Value {
    if (object === null) return null
    if (object instanceof Dict) return object.entries.get(this.#key(index, at)) ?? null
    if (!(object instanceof List) && typeof object !== 'string')
      throw this.fail(at, `${capitalized(kindOf(object))} has no entries.`)
    const items = typeof object === 'string' ? this.#characters(object) : object.items
    const position = this.#position(index, items.length)
    return items[position] ?? null
  }

  #position(index: Value, length: number): number {
    const position = Math.trunc(this.number(index))
    return position < 0 ? position + length : position
  }

  slice(object: Value, from: Value, to: Value, at: number): Value {
    if (object === null) return null
    const [start, end] = [
      from === null ? 0 : Math.trunc(this.number(from)),
      to === null ? undefined : Math.trunc(this.number(to)),
    ]
    if (typeof object === 'string') {
      this.spend(object.length)
      return this.#made(apart(sliceText(object, start, end), object))
    }
    if (object instanceof List) return this.list(object.items.slice(start, end))
    throw this.fail(at, `${kindOf(object)} cannot be sliced.`)
  }

  /** Sets the entry at a path of keys, making dictionaries where there is nothing; gives the object at the root. */
  put(root: Value, path: Value[], value: Value, at: number): Value {
    const base = root ?? this.dict([], at)
    let object = base
    path.slice(0, -1).forEach((key) => {
      const next = this.at(object, key, at) ?? this.dict([], at)
      this.#put(object, key, next, at)
      object = next
    })
    this.#put(object, path.at(-1)!, value, at)
    return base
  }

  #put(object: Value, key: Value, value: Value, at: number): void {
    this.#charge(1)
    if (object instanceof Dict) object.entries.set(this.#key(key, at), value)
    else if (object instanceof List) {
      const position = this.#position(key, object.items.length)
      if (!(position >= 0 && position < object.items.length)) throw this.fail(at, 'This list has no such position.')
      object.items[position] = value
    } else throw this.fail(at, `An entry cannot be set in ${kindOf(object)}.`)
  }

  get(root: Value, path: Value[], at: number): Value {
    return path.reduce((object, key) => this.at(object, key, at), root)
  }

  /** del d['k'] */
  drop(root: Value, path: Value[], at: number): void {
    const object = this.get(root, path.slice(0, -1), at)
    const key = path.at(-1)!
    if (object instanceof List) {
      const position = this.#position(key, object.items.length)
      if (position >= 0 && position < object.items.length) object.items.splice(position, 1)
    } else if (isContainer(object)) this.#remove(object, key)
  }

  // --- methods ---

  method(name: string, object: Value, args: Value[], at: number): Value {
    if (typeof object === 'string') return this.#textMethod(name, object, args, at)
    if (!isContainer(object)) throw this.fail(at, `${capitalized(kindOf(object))} has no method '${name}'.`)
    if (name === 'append' || name === 'add' || name === 'update') {
      for (const x of args) this.addTo(object, x, at)
      return null
    }
    if (name === 'remove') {
      for (const x of args) this.removeFrom(object, x)
      return null
    }
    if (name === 'clear') {
      if (object instanceof List) object.items.length = 0
      else (object instanceof SetOf ? object.items : object.entries).clear()
      return null
    }
    if (name === 'pop') return this.#pop(object)
    if (name === 'keys') return this.list(this.iterate(object, at))
    throw this.fail(at, `${capitalized(kindOf(object))} has no method '${name}'.`)
  }

  #pop(object: List | SetOf | Dict): Value {
    if (object instanceof List) return object.items.pop() ?? null
    const last = this.iterate(object, -1).at(-1) ?? null
    if (last !== null) this.#remove(object, last)
    return last
  }

  #textMethod(name: string, text: string, args: Value[], at: number): Value {
    this.spend(text.length)
    const part = args[0] === undefined || args[0] === null ? '' : this.str(args[0])
    const limit = (i: number, otherwise: number) =>
      args[i] === undefined || args[i] === null ? otherwise : this.number(args[i]!)
    if (name === 'strip') return apart(text.trim(), text)
    if (name === 'find' || name === 'rfind')
      return findText(text, part, limit(1, 0), limit(2, text.length), name === 'rfind')
    if (name === 'split') {
      const parts = part === '' ? [text] : text.split(part)
      if (parts.length > 1 && parts.at(-1) === '') parts.pop()
      this.#charge(text.length)
      return this.list(parts.map((one) => apart(one, text)))
    }
    throw this.fail(at, `A text has no method '${name}'.`)
  }

  // --- functions ---

  str(x: Value): string {
    return this.#made(this.#shown(x, 0))
  }

  #shown(x: Value, depth: number): string {
    if (x === null) return 'None'
    if (x instanceof Double) return String(x.value + 0)
    if (!isContainer(x)) return String(x)
    if (depth > nestingMax) throw this.fail(-1, `Containers are nested deeper than ${nestingMax}.`)
    const show = (item: Value) => {
      this.#charge(1)
      return typeof item === 'string' ? JSON.stringify(item) : this.#shown(item, depth + 1)
    }
    if (x instanceof List) return `[${x.items.map(show).join(', ')}]`
    if (x instanceof SetOf) return `{${[...x.items.values()].map(show).join(', ')}}`
    return `{${[...x.entries].map(([key, value]) => `${show(key)}: ${show(value)}`).join(', ')}}`
  }

  len(x: Value): number {
    if (typeof x === 'string') return this.#characters(x).length
    return isContainer(x)
      ? x instanceof List
        ? x.items.length
        : x instanceof SetOf
          ? x.items.size
          : x.entries.size
      : 0
  }

  fix(x: number, places: number): Value {
    return Number.isNaN(x) ? null : fixTo(x, places)
  }

  round(x: number, places: number): number {
    return roundTo(x, places)
  }

  bucket(x: number, size: number): number {
    return bucketOf(x, size)
  }

  date(name: string): (ms: number) => number {
    return dateFunctions[name]!
  }

  /** Milliseconds of a stamp in milliseconds or ISO 8601; a text that is neither is none. */
  moment(x: Value): number {
    if (typeof x !== 'string') return this.number(x)
    const read = readTime(x)
    return Number.isNaN(read) ? readNumber(x) : read
  }

  /** Milliseconds of a stamp in seconds, milliseconds or ISO 8601. */
  time(x: Value): number {
    if (typeof x !== 'string') return toMilliseconds(this.number(x))
    const read = readTime(x)
    return !Number.isNaN(read) ? read : toMilliseconds(readNumber(x))
  }

  url(x: Value, at: number): Value {
    if (x === null) return null
    const { host, path, query, params } = splitUrl(this.str(x))
    const decoded = this.dict(params, at)
    return this.dict(
      [
        ['host', host],
        ['path', path],
        ['query', query],
        ['params', decoded],
      ],
      at,
    )
  }

  /** As JSON would have it; doubles and ints are numbers, sets are arrays. */
  plain(x: Value, depth = 0): unknown {
    if (x instanceof Double) return x.value + 0
    if (!isContainer(x)) return x
    if (depth > nestingMax) throw this.fail(-1, `Containers are nested deeper than ${nestingMax}.`)
    this.#charge(this.len(x))
    if (x instanceof Dict)
      return Object.fromEntries([...x.entries].map(([key, value]) => [String(key), this.plain(value, depth + 1)]))
    return this.iterate(x, -1).map((item) => this.plain(item, depth + 1))
  }
}

function isContainer(x: Value | undefined): x is List | SetOf | Dict {
  return x instanceof List || x instanceof SetOf || x instanceof Dict
}

function sameKeys(a: Map<Key, Value>, b: Map<Key, Value>): boolean {
  return a.size === b.size && !someOf(a.keys(), (key) => !b.has(key))
}

function someOf<T>(items: Iterable<T>, holds: (item: T) => boolean): boolean {
  for (const item of items) if (holds(item)) return true
  return false
}

function kindOf(x: Value): string {
  if (x === null) return 'None'
  if (x instanceof List) return 'a list'
  if (x instanceof SetOf) return 'a set'
  if (x instanceof Dict) return 'a dictionary'
  if (typeof x === 'string') return 'a text'
  return typeof x === 'boolean' ? 'True or False' : 'a number'
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** A set without elements is None, as a set column of a row without values is. */
function isNone(x: Value): boolean {
  return x === null || (x instanceof SetOf && x.items.size === 0)
}
