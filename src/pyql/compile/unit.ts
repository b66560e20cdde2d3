import type { FunctionDefinition } from '../ast.js'
import type { Checked } from '../check.js'
import { errorAt } from '../errors.js'
import type { Scalar, TableColumn } from '../program.js'
import type { Span } from '../source.js'
import { isCode, isNumber, isSet, join, noneOf, slotOf, type Type } from './types.js'

/** JavaScript of an expression, and what it gives. Of a set column, `js` is the row. */
export interface Code {
  readonly js: string
  readonly type: Type
}

/** A row that is one of some that a block has by themselves. */
export interface PickedAt {
  readonly row: string
  /** The rows as bits: see RowsTested. */
  readonly of: string
  /** The variable of the block that holds them, or undefined where rows are those of the block. */
  readonly picked: string
  /** Its place among them; without them the row. */
  readonly place: string
}

export interface Loop {
  readonly label: string
}

/** Where a piece of the script stands. */
export interface Context {
  /** JavaScript of the current row; a variable where the script may move. */
  readonly row: string
  /** The stamps of `first_match` and `prev_match`, and that of the innermost match around; `0` outside. */
  readonly first: string
  readonly prev: string
  readonly matched: string
  readonly function: FunctionDefinition | undefined
  readonly loops: readonly Loop[]
  /** The row of the innermost match around, where it may be a picked one. */
  readonly pickedAt?: PickedAt
  /** JavaScript of how many rows stand for this one; undefined where each is looked at. */
  readonly times?: string
}

/** Characters of JavaScript that all tallies of a script may make. */
const writtenMax = 2_000_000

const simple = /^[\w$.[\]]+$/

/** None in place of what is known to be None, which is computed all the same: it may call a function. */
function none(js: string, held: string): string {
  return js === 'null' ? held : `(${js}, ${held})`
}

/** One compilation of a script under assumed types of its variables; what was learned makes the next one. */
export class Unit {
  readonly checked: Checked
  readonly tagged: boolean
  readonly variables: Type[]
  readonly parameters: Type[][]
  readonly results: Type[]
  readonly constants: Scalar[] = []
  /** Lines that run once for a scan. */
  readonly scanLines: string[] = []
  /** Lines that run once for a block. */
  readonly blockLines: string[] = []
  /** Lines that run behind the last person of a block. */
  readonly blockEnd: string[] = []
  needsTags = false
  changed = false
  usesSessions = false
  usesSeen = false
  throwsExit = false
  readsPersonId = false
  #names = 0
  #written = 0
  readonly #shared = new Map<string, string>()

  constructor(checked: Checked, before: Unit | undefined, tagged: boolean) {
    this.checked = checked
    this.tagged = tagged
    this.variables = before
      ? [...before.variables]
      : checked.variables.map((name) => (name === 'each_value' ? 'any' : 'none'))
    this.parameters = before
      ? before.parameters.map((types) => [...types])
      : checked.functions.map((own) => own.parameters.map(() => 'none'))
    this.results = before ? [...before.results] : checked.functions.map(() => 'none')
  }

  /** Every variable, parameter and result holds any type. */
  widen(): void {
    for (const types of [this.variables, this.results, ...this.parameters]) types.fill('any')
  }

  /** Counts what is written more than once for one place in a script. */
  written(js: string, at: Span): string {
    this.#written += js.length
    if (this.#written > writtenMax) {
      const message = 'Too much is counted here: use fewer tallies, levels or aggregates.'
      throw errorAt(this.checked.text, at, 'limit', message)
    }
    return js
  }

  name(prefix: string): string {
    return `${prefix}${this.#names++}`
  }

  column(slot: number): TableColumn {
    return this.checked.columns[slot]!
  }

  /** A constant of the script: numbers and truth values are written out, texts are only ever looked up. */
  constant(value: Scalar): string {
    if (typeof value !== 'string') return value === null ? 'null' : String(value)
    const known = this.constants.indexOf(value)
    return `K[${known === -1 ? this.constants.push(value) - 1 : known}]`
  }

  /** A constant of a block, made once for equal JavaScript. */
  perBlock(prefix: string, js: string): string {
    return this.#once(this.blockLines, prefix, js)
  }

  perScan(prefix: string, js: string): string {
    return this.#once(this.scanLines, prefix, js)
  }

  #once(lines: string[], prefix: string, js: string): string {
    const known = this.#shared.get(js)
    if (known !== undefined) return known
    const name = this.name(prefix)
    lines.push(`const ${name} = ${js}`)
    this.#shared.set(js, name)
    return name
  }

  /** The code of a text in the dictionary of a column; -1 when the block has no such text. */
  codeOf(slot: number, text: string): string {
    return this.perBlock('q', `rt.codeOf(block, ${slot}, ${this.constant(text)})`)
  }

  /** Makes JavaScript that may stand several times; `use` gets it, preceded by its computation where that is needed. */
  reuse(js: string, use: (js: string) => string): string {
    if (simple.test(js)) return use(js)
    const temporary = this.name('t')
    this.blockLines.push(`let ${temporary}`)
    return `(${temporary} = ${js}, ${use(temporary)})`
  }

  // --- what was learned ---

  assign(id: number, type: Type): void {
    this.#learn(this.variables, id, type)
  }

  learnParameter(index: number, parameter: number, type: Type): void {
    this.#learn(this.parameters[index]!, parameter, type)
  }

  learnResult(index: number, type: Type): void {
    this.#learn(this.results, index, type)
  }

  #learn(types: Type[], at: number, type: Type): void {
    const joined = join(types[at]!, type, this.tagged)
    if (joined === types[at]) return
    types[at] = joined
    this.changed = true
  }

  // --- conversions ---

  any({ js, type }: Code): string {
    if (type === 'any' || type === 'bool') return js
    if (type === 'none') return none(js, 'null')
    if (type === 'double' && this.tagged) return `rt.double(${js})`
    if (isNumber(type)) return /^\d+(\.\d+)?$/.test(js) ? js : `rt.int(${js})`
    if (type === 'flag') return `flags[${js}]`
    const slot = slotOf(type)
    if (isCode(type)) return `textOf(d${slot}, ${js})`
    return `rt.${this.#setMaker(slot)}(o${slot}, c${slot}, ${this.column(slot).type === 'text' ? `d${slot}, ` : ''}${js})`
  }

  #setMaker(slot: number): string {
    const { type } = this.column(slot)
    if (type === 'text') return 'textSet'
    if (type === 'bool') return 'flagSet'
    return type === 'double' && this.tagged ? 'doubleSet' : 'numberSet'
  }

  number(code: Code): string {
    const { js, type } = code
    if (isNumber(type)) return js
    if (type === 'none') return none(js, 'NaN')
    if (type === 'bool') return `(${js} ? 1 : 0)`
    return type === 'flag' ? `flagNumbers[${js}]` : `rt.number(${this.any(code)})`
  }

  /** True or false. */
  truth(code: Code): string {
    const { js, type } = code
    if (type === 'bool') return js
    if (type === 'none') return none(js, 'false')
    if (type === 'flag') return `(${js} === 2)`
    if (isNumber(type)) return `!!(${js})`
    if (isCode(type)) {
      const empty = this.codeOf(slotOf(type), '')
      return this.reuse(js, (x) => `(${x} !== 0 && ${x} !== ${empty})`)
    }
    if (isSet(type)) return `(o${slotOf(type)}[${js} + 1] > o${slotOf(type)}[${js}])`
    return `rt.truth(${js})`
  }

  /** As a variable, parameter or result of a type holds it. The type is the same or a wider one. */
  held(code: Code, type: Type): string {
    if (type === 'none') return code.type === 'none' ? code.js : `(${code.js}, null)`
    if (code.type === 'none') return none(code.js, noneOf(type))
    if (isNumber(type)) return this.number(code)
    return isCode(type) ? code.js : this.any(code)
  }
}
