import { didYouMean } from '../lib/index.js'
import type {
  AggregateLine,
  Call,
  ColumnName,
  Expression,
  FunctionDefinition,
  InlineAggregate,
  Match,
  MethodCall,
  Name,
  Script,
  Statement,
} from './ast.js'
import { functions, maximumAggregates, methods, rowValues, setFunctions } from './builtins.js'
import { errorAt, type PyqlError, type PyqlErrorKind } from './errors.js'
import type { AggregateKind, Mode, SetMath, TableColumn } from './program.js'
import type { Span } from './source.js'
import { allExpressions, allStatements, childrenOf, depthOf, partsOf } from './walk.js'

const depthMax = 700

/** What a name stands for. */
export type Binding =
  | { kind: 'column'; slot: number }
  | { kind: 'variable'; id: number }
  | { kind: 'parameter'; index: number }
  | { kind: 'value'; name: string }
  | { kind: 'none' }

/** A line of the agg block with its names resolved. */
export interface CheckedAggregate {
  kind: AggregateKind
  alias: string
  of: Binding | Expression
  /** Shown to people; not resolved again. */
  key: Binding | undefined
  all: boolean
  /** var: whether it carries the value that was assigned with <<, rather than counting tallies. */
  carried: boolean
}

export interface Checked {
  text: string
  mode: Mode
  script: Script
  bindings: Map<Name | ColumnName, Binding>
  /** By slot. */
  columns: TableColumn[]
  /** By id. */
  variables: string[]
  functions: FunctionDefinition[]
  aggregates: CheckedAggregate[]
  setMath: SetMath | null
}

/** What every event has, by the names that it has in scripts. */
const actionNames = ['action', '__action']
const actionColumn: TableColumn = { name: '__action', type: 'text', isSet: false }
const aggregateKinds: Record<string, AggregateKind> = {
  ...{
    count: 'count',
    sum: 'sum',
    min: 'min',
    max: 'max',
    avg: 'avg',
    val: 'val',
    value: 'val',
    var: 'var',
    variable: 'var',
  },
}

export interface CheckOptions {
  text: string
  mode: Mode
  columns: readonly TableColumn[]
  /** Histograms with `foreach`: scripts know `each_value`. */
  each: boolean
}

/** Finds what every name stands for, and every mistake that can be seen without data. Throws PyqlError. */
export function check(script: Script, options: CheckOptions): Checked {
  return new Checker(script, options).run()
}

interface Scope {
  function: FunctionDefinition | undefined
  loops: number
  /** Conditions of rows: a name that nothing sets is a mistake there. */
  condition: boolean
}

class Checker {
  readonly #script: Script
  readonly #options: CheckOptions
  readonly #known: Map<string, TableColumn>
  readonly #slots = new Map<string, number>()
  readonly #checked: Checked
  readonly #variables = new Map<string, number>()

  constructor(script: Script, options: CheckOptions) {
    this.#script = script
    this.#options = options
    this.#known = new Map(options.columns.map((column) => [column.name, column]))
    this.#checked = {
      ...{ text: options.text, mode: options.mode, script, bindings: new Map(), columns: [], variables: [] },
      ...{ functions: script.functions, aggregates: [], setMath: null },
    }
  }

  run(): Checked {
    this.#depths()
    this.#functionNames()
    this.#collectVariables()
    this.#setMath()
    if (this.#checked.setMath) return this.#checked
    for (const definition of this.#script.functions) {
      this.#block(definition.body, { function: definition, loops: 0, condition: false })
    }
    this.#block(this.#script.body, { function: undefined, loops: 0, condition: false })
    this.#aggregates()
    return this.#checked
  }

  #error(span: Span, message: string, kind: PyqlErrorKind = 'syntax'): PyqlError {
    return errorAt(this.#options.text, span, kind, message)
  }

  /** What follows goes through expressions by recursion. */
  #depths(): void {
    const values = this.#script.aggregates.flatMap(({ value }) => (value ? [value] : []))
    const own = [...allStatements(this.#script)].flatMap((statement) => partsOf(statement).expressions)
    for (const expression of [...values, ...own]) {
      if (depthOf(expression) > depthMax) throw this.#error(expression, `This is nested deeper than ${depthMax}.`)
    }
  }

  #functionNames(): void {
    const names = new Set<string>()
    for (const definition of this.#script.functions) {
      const { name, parameters } = definition
      const taken = Object.hasOwn(functions, name) || rowValues.has(name) || Object.hasOwn(setFunctions, name)
      if (taken) throw this.#error(definition, `'${name}' is a function of the language; choose another name.`)
      if (names.has(name)) throw this.#error(definition, `A function '${name}' is already defined.`)
      names.add(name)
      const twice = parameters.find((one, i) => parameters.slice(0, i).some((other) => other.name === one.name))
      if (twice) throw this.#error(twice, `The parameter '${twice.name}' is there twice.`)
    }
  }

  #collectVariables(): void {
    for (const statement of allStatements(this.#script)) {
      if (statement.kind === 'assignment') {
        let { target }: { target: Expression } = statement
        while (target.kind === 'subscript') target = target.object
        if (target.kind !== 'name') throw this.#error(target, 'Only entries of variables can be assigned to.')
        this.#declare(target)
      }
      if (statement.kind === 'for') for (const name of statement.names) this.#declare(name)
    }
    for (const line of this.#script.aggregates) {
      if (line.aggregator?.name.startsWith('var')) this.#declare(this.#variableOf(line))
    }
    if (this.#options.each) this.#variable('each_value')
  }

  #declare(name: Name): void {
    const what = this.#isColumn(name.name)
      ? 'a column'
      : rowValues.has(name.name)
        ? 'a value of the language'
        : undefined
    if (what) throw this.#error(name, `'${name.name}' is ${what} and cannot be set.`)
    this.#notOfForeach(name)
    this.#variable(name.name)
  }

  #notOfForeach(name: Name): void {
    if (name.name === 'each_value' && this.#options.each) throw this.#error(name, "'each_value' is set by foreach.")
  }

  #variableOf({ of }: AggregateLine): Name {
    if (of.kind === 'name') return of
    throw this.#error(of, `'var' takes a variable; '${of.name}' is a column.`)
  }

  #isColumn(name: string): boolean {
    return this.#known.has(name) || actionNames.includes(name)
  }

  #variable(name: string): number {
    const known = this.#variables.get(name)
    if (known !== undefined) return known
    const id = this.#checked.variables.push(name) - 1
    this.#variables.set(name, id)
    return id
  }

  // --- set functions ---

  #setMath(): void {
    const isSetCall = (expression: Expression): expression is Call =>
      expression.kind === 'call' && Object.hasOwn(setFunctions, expression.name)
    const calls = [...allExpressions(this.#script)].filter(isSetCall)
    const [call] = calls
    if (!call) return
    if (this.#options.mode !== 'segment') throw this.#error(call, `'${call.name}' belongs into segment scripts.`)
    const [only, ...more] = this.#script.body
    const stray = calls[1] ?? (more[0] as Span | undefined)
    if (stray || this.#script.functions.length > 0 || !(only?.kind === 'expression' && only.expression === call)) {
      throw this.#error(
        stray ?? call,
        `A segment that is computed from others consists of one call, such as ${call.name}("a", "b").`,
      )
    }
    const { op, least } = setFunctions[call.name]!
    if (call.args.length < least)
      throw this.#error(call, `'${call.name}' takes ${least === 1 ? 'one name' : 'at least two names'} of segments.`)
    if (least === 1 && call.args.length > 1) throw this.#error(call, `'${call.name}' takes one name of a segment.`)
    const names = call.args.map((arg) => {
      if (arg.kind === 'name') return arg.name
      if (arg.kind === 'constant' && typeof arg.value === 'string') return arg.value
      throw this.#error(arg, `'${call.name}' takes names of segments.`)
    })
    this.#checked.setMath = { op, of: names } as unknown as SetMath
  }

  // --- statements ---

  #block(body: Statement[], scope: Scope): void {
    for (const statement of body) this.#statement(statement, scope)
  }

  #statement(statement: Statement, scope: Scope): void {
    const loops = statement.kind === 'for' || statement.kind === 'match' ? scope.loops + 1 : scope.loops
    if (statement.kind === 'break') this.#break(statement.levels, statement, scope)
    if (statement.kind === 'continue' && scope.loops === 0)
      throw this.#error(statement, "'continue' stands outside of any loop.")
    if (statement.kind === 'expression') this.#statementCall(statement.expression, scope)
    else
      for (const expression of partsOf(statement).expressions)
        this.#expression(expression, this.#scopeOf(expression, statement, scope))
    if (statement.kind === 'for') for (const name of statement.names) this.#bind(name, scope)
    if (statement.kind === 'delete' && statement.target.kind === 'name') this.#emptied(statement.target)
    if (statement.kind === 'return' && this.#options.mode === 'segment' && !scope.function) {
      if (statement.value)
        throw this.#error(statement, "A segment script says who is in with 'tally', not with 'return'.")
    }
    for (const block of partsOf(statement).blocks) this.#block(block, { ...scope, loops })
  }

  /** What `del` empties is a variable or a parameter. */
  #emptied(name: Name): void {
    const { kind } = this.#checked.bindings.get(name)!
    if (kind === 'column') throw this.#error(name, `'${name.name}' is a column and cannot be deleted.`)
    if (kind === 'value') throw this.#error(name, `'${name.name}' is a value of the language and cannot be deleted.`)
    if (kind === 'none') throw this.#error(name, `Nothing sets '${name.name}', so there is nothing to delete.`)
    if (kind === 'variable') this.#notOfForeach(name)
  }

  #scopeOf(expression: Expression, statement: Statement, scope: Scope): Scope {
    return { ...scope, condition: (statement as Match).where === expression && statement.kind === 'match' }
  }

  #break(levels: number | 'all' | 'top', span: Span, { loops }: Scope): void {
    if (loops === 0) throw this.#error(span, "'break' stands outside of any loop.")
    if (levels === 'top' && loops < 2)
      throw this.#error(span, "'break top' leaves the loops within the outermost one; there is only one loop here.")
    if (typeof levels === 'number' && levels > loops) {
      throw this.#error(
        span,
        `'break ${levels}' is too deep: there ${loops === 1 ? 'is 1 loop' : `are ${loops} loops`} around it.`,
      )
    }
  }

  #statementCall(expression: Expression, scope: Scope): void {
    if (expression.kind === 'call' && Object.hasOwn(functions, expression.name)) {
      if (!functions[expression.name]!.statement) throw this.#error(expression, 'Nothing is done with this value.')
      this.#call(expression, scope)
    } else this.#expression(expression, scope)
  }

  // --- expressions ---

  #expression(expression: Expression, scope: Scope): void {
    if (expression.kind === 'name' || expression.kind === 'column') this.#bind(expression, scope)
    else if (expression.kind === 'call') {
      if (Object.hasOwn(functions, expression.name) && functions[expression.name]!.statement) {
        throw this.#error(expression, `'${expression.name}' stands on a line of its own; it gives no value.`)
      }
      this.#call(expression, scope)
    } else if (expression.kind === 'method') {
      if (!Object.hasOwn(methods, expression.name)) {
        throw this.#error(
          expression,
          `There is no method '${expression.name}'.${didYouMean(expression.name, Object.keys(methods))}`,
          'unknown_name',
        )
      }
      const { least, most } = methods[expression.name]!
      this.#countArguments(expression, least, most)
      for (const child of childrenOf(expression)) this.#expression(child, scope)
    } else if (expression.kind === 'aggregate') {
      this.#inlineColumn(expression)
      if (expression.key) this.#keyColumn(expression.key)
      for (const child of childrenOf(expression)) this.#expression(child, { ...scope, condition: true })
    } else for (const child of childrenOf(expression)) this.#expression(child, scope)
  }

  #inlineColumn({ op, column: name, all }: InlineAggregate): void {
    const binding = this.#column(name)
    const column = binding.kind === 'column' ? this.#checked.columns[binding.slot] : undefined
    if (column?.type === 'text' && (op === 'SUM' || op === 'AVG')) {
      throw this.#error(name, `${op} needs a column of numbers; '${column.name}' is text.`)
    }
    if ((op === 'SUM' || op === 'AVG' || op === 'COUNT') && !all) this.#slot(actionColumn)
  }

  #call(call: Call, scope: Scope): void {
    const { name, args } = call
    if (rowValues.has(name) && args.length === 0) {
      this.#usesValue(name)
      return
    }
    const own = this.#script.functions.find((definition) => definition.name === name)
    if (own) this.#countArguments(call, own.parameters.length, own.parameters.length)
    else if (Object.hasOwn(functions, name)) this.#builtIn(call)
    else throw this.#unknownFunction(call)
    for (const arg of args) this.#expression(arg, scope)
  }

  #unknownFunction({ name, start }: Call): PyqlError {
    if (name === 'range') return this.#error({ start, end: start + 5 }, "'range' is not implemented.", 'unknown_name')
    const names = [
      ...Object.keys(functions),
      ...rowValues,
      ...Object.keys(setFunctions),
      ...this.#script.functions.map((own) => own.name),
    ]
    const span = { start, end: start + name.length }
    return this.#error(span, `There is no function '${name}'.${didYouMean(name, names)}`, 'unknown_name')
  }

  #builtIn(call: Call): void {
    const { least, most, modes } = functions[call.name]!
    const { mode } = this.#options
    if (modes && !modes.includes(mode)) {
      if (call.name === 'tally' && mode === 'histogram') {
        throw this.#error(call, "Histogram queries should not call 'tally'. They should 'return' the value to store.")
      }
      throw this.#error(call, `'${call.name}' belongs into ${modes.join(' and ')} scripts, not into ${mode} scripts.`)
    }
    this.#countArguments(call, least, most)
    if (call.name === 'schedule') this.#scheduled(call.args[1]!)
  }

  #scheduled(arg: Expression): void {
    const target = this.#script.functions.find(({ name }) => arg.kind === 'constant' && name === arg.value)
    if (target?.parameters.length === 0) return
    const names = this.#script.functions.filter(({ parameters }) => parameters.length === 0).map(({ name }) => name)
    const hint = arg.kind === 'constant' ? didYouMean(String(arg.value), names) : ''
    throw this.#error(
      arg,
      `'schedule' takes the name, in quotes, of a function of this script without parameters.${hint}`,
    )
  }

  #countArguments({ name, args, start, end }: Call | MethodCall, least: number, most: number): void {
    if (args.length >= least && args.length <= most) return
    const wanted = least === most ? `${least}` : `${least} to ${most}`
    throw this.#error(
      { start, end },
      `'${name}' takes ${wanted} argument${wanted === '1' ? '' : 's'}, not ${args.length}.`,
    )
  }

  #bind(name: Name | ColumnName, scope: Scope): void {
    this.#checked.bindings.set(name, this.#resolve(name, scope))
  }

  #resolve(name: Name | ColumnName, scope: Scope): Binding {
    if (name.kind === 'column') return this.#column(name)
    const index = scope.function?.parameters.findIndex((parameter) => parameter.name === name.name) ?? -1
    if (index !== -1) return { kind: 'parameter', index }
    if (this.#isColumn(name.name)) return this.#column(name)
    const id = this.#variables.get(name.name)
    if (id !== undefined) return { kind: 'variable', id }
    if (rowValues.has(name.name)) {
      this.#usesValue(name.name)
      return { kind: 'value', name: name.name }
    }
    return this.#unknown(name, scope)
  }

  /** Events are told apart by stamp and action. */
  #usesValue(name: string): void {
    if (name === 'event_count') this.#slot(actionColumn)
  }

  /** A name that nothing sets is None, unless it looks like a misspelt column or a row is tested by it. */
  #unknown(name: Name, scope: Scope): Binding {
    const names = [...this.#known.keys(), ...actionNames, ...this.#variables.keys(), ...rowValues]
    const hint = name.name.length < 3 ? '' : didYouMean(name.name, names)
    if (hint === '' && !scope.condition) return { kind: 'none' }
    throw this.#error(name, `Nothing sets '${name.name}', and it is no column.${hint}`, 'unknown_column')
  }

  #column(name: Name | ColumnName): Binding {
    if (name.kind === 'name' && ['session', '__session', '__stamp'].includes(name.name))
      return this.#remember(name, { kind: 'value', name: name.name })
    if (name.kind === 'name' && name.name === 'event_time')
      return this.#remember(name, { kind: 'value', name: '__stamp' })
    if (name.kind === 'name' && (name.name === 'person' || name.name === 'people'))
      return this.#remember(name, { kind: 'value', name: 'person' })
    const own = this.#known.get(name.name)
    const isAction = actionNames.includes(name.name)
    // A bare name is first what every event has.
    const column = isAction && (name.kind === 'name' || !own) ? actionColumn : own
    if (!column) {
      throw this.#error(
        name,
        `There is no column '${name.name}'.${didYouMean(name.name, [...this.#known.keys(), ...actionNames])}`,
        'unknown_column',
      )
    }
    return this.#remember(name, { kind: 'column', slot: this.#slot(column) })
  }

  #remember(name: Name | ColumnName, binding: Binding): Binding {
    this.#checked.bindings.set(name, binding)
    return binding
  }

  #keyColumn(name: Name | ColumnName): Binding {
    const binding = this.#column(name)
    if (binding.kind === 'column' && this.#checked.columns[binding.slot]!.isSet) {
      throw this.#error(name, `'with' takes a column of single values; '${name.name}' is a set.`)
    }
    return binding
  }

  #slot(column: TableColumn): number {
    const known = this.#slots.get(column.name)
    if (known !== undefined) return known
    const slot = this.#checked.columns.push(column) - 1
    this.#slots.set(column.name, slot)
    return slot
  }

  // --- aggregates ---

  #aggregates(): void {
    const { aggregates } = this.#checked
    const lines = this.#script.aggregates
    if (lines.length > 0 && this.#options.mode !== 'event') {
      throw this.#error(lines[0]!, `The agg block belongs into event scripts, not into ${this.#options.mode} scripts.`)
    }
    for (const line of lines) {
      const aggregate = this.#aggregate(line)
      if (aggregates.some(({ alias }) => alias === aggregate.alias)) {
        throw this.#error(
          line.alias ?? line,
          `There is already an aggregate '${aggregate.alias}'; give this one another name with 'as'.`,
        )
      }
      aggregates.push(aggregate)
    }
    if (aggregates.length > maximumAggregates)
      throw this.#error(lines.at(-1)!, `There are more than ${maximumAggregates} aggregates.`)
    if (aggregates.length === 0) {
      aggregates.push({
        kind: 'count',
        alias: 'person',
        of: { kind: 'value', name: 'person' },
        key: undefined,
        all: false,
        carried: false,
      })
    }
  }

  #aggregate(line: AggregateLine): CheckedAggregate {
    const alias = (line.alias ?? line.of).name
    const key = line.key && this.#keyColumn(line.key)
    const written = line.aggregator?.name
    const isVariable = !written && line.of.kind === 'name' && this.#variables.has(line.of.name)
    if (isVariable || written?.startsWith('var')) return this.#variableAggregate(line, alias, key)
    if (line.value) throw this.#error(line, "Only 'var' takes a value with '<<'.")
    const of = this.#column(line.of)
    const kind = aggregateKinds[written ?? 'count']!
    this.#summable(line, kind, of)
    return { kind, alias, of, key, all: line.all, carried: false }
  }

  #variableAggregate(line: AggregateLine, alias: string, key: Binding | undefined): CheckedAggregate {
    if (line.value) this.#expression(line.value, { function: undefined, loops: 0, condition: false })
    const carried = line.value !== undefined || this.#assignedWithArrow(line.of.name)
    const of = line.value ?? ({ kind: 'variable', id: this.#variable(line.of.name) } as const)
    return { kind: 'var', alias, of, key, all: line.all, carried }
  }

  #assignedWithArrow(name: string): boolean {
    for (const statement of allStatements(this.#script)) {
      if (statement.kind !== 'assignment' || statement.op !== '<<') continue
      if (statement.target.kind === 'name' && statement.target.name === name) return true
    }
    return false
  }

  #summable(line: AggregateLine, kind: AggregateKind, of: Binding): void {
    if (kind === 'count' || kind === 'val') return
    if (of.kind === 'value' && of.name === 'person')
      throw this.#error(line, `People can be counted; '${kind}' needs a column.`)
    const column = of.kind === 'column' ? this.#checked.columns[of.slot]! : undefined
    if (column?.isSet) throw this.#error(line, `'${kind}' needs a column of single values; '${column.name}' is a set.`)
    if (column?.type === 'text' && (kind === 'sum' || kind === 'avg')) {
      throw this.#error(line, `'${kind}' needs a column of numbers; '${column.name}' is text.`)
    }
  }
}
