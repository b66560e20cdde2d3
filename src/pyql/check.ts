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
import { errorAt, type PyqlError } from './errors.js'
import { type Binding, type ErrorAt, Names, type Scope } from './names.js'
import type { AggregateKind, Mode, SetMath, TableColumn } from './program.js'
import { setMathOf } from './set-math.js'
import type { Span } from './source.js'
import { allStatements, childrenOf, depthOf, partsOf } from './walk.js'

const depthMax = 700

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

const aggregateKinds: Record<string, AggregateKind> = {
  count: 'count',
  sum: 'sum',
  min: 'min',
  max: 'max',
  avg: 'avg',
  val: 'val',
  value: 'val',
  var: 'var',
  variable: 'var',
}

/** What is counted where a script does not say it. */
const people: CheckedAggregate = {
  kind: 'count',
  alias: 'person',
  of: { kind: 'value', name: 'person' },
  key: undefined,
  all: false,
  carried: false,
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

class Checker {
  readonly #script: Script
  readonly #options: CheckOptions
  readonly #names: Names
  readonly #error: ErrorAt

  constructor(script: Script, options: CheckOptions) {
    this.#script = script
    this.#options = options
    this.#error = (span, message, kind = 'syntax') => errorAt(options.text, span, kind, message)
    this.#names = new Names(options.columns, this.#error)
  }

  run(): Checked {
    this.#depths()
    this.#functionNames()
    this.#collectVariables()
    const setMath = setMathOf(this.#script, this.#options.mode, this.#error)
    if (setMath) return this.#checked([], setMath)
    for (const definition of this.#script.functions) {
      this.#block(definition.body, { function: definition, loops: 0, condition: false })
    }
    this.#block(this.#script.body, { function: undefined, loops: 0, condition: false })
    return this.#checked(this.#aggregates(), null)
  }

  #checked(aggregates: CheckedAggregate[], setMath: SetMath | null): Checked {
    const { text, mode } = this.#options
    const { bindings, columns, variables } = this.#names
    const script = this.#script
    return { text, mode, script, bindings, columns, variables, functions: script.functions, aggregates, setMath }
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
    if (this.#options.each) this.#names.variable('each_value')
  }

  #declare(name: Name): void {
    const what = this.#names.isColumn(name.name)
      ? 'a column'
      : rowValues.has(name.name)
        ? 'a value of the language'
        : undefined
    if (what) throw this.#error(name, `'${name.name}' is ${what} and cannot be set.`)
    this.#notOfForeach(name)
    this.#names.variable(name.name)
  }

  #notOfForeach(name: Name): void {
    if (name.name === 'each_value' && this.#options.each) throw this.#error(name, "'each_value' is set by foreach.")
  }

  #variableOf({ of }: AggregateLine): Name {
    if (of.kind === 'name') return of
    throw this.#error(of, `'var' takes a variable; '${of.name}' is a column.`)
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
    if (statement.kind === 'for') for (const name of statement.names) this.#names.bind(name, scope)
    if (statement.kind === 'delete' && statement.target.kind === 'name') this.#emptied(statement.target)
    if (statement.kind === 'return' && this.#options.mode === 'segment' && !scope.function) {
      if (statement.value)
        throw this.#error(statement, "A segment script says who is in with 'tally', not with 'return'.")
    }
    for (const block of partsOf(statement).blocks) this.#block(block, { ...scope, loops })
  }

  /** What `del` empties is a variable or a parameter. */
  #emptied(name: Name): void {
    const { kind } = this.#names.bindings.get(name)!
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
    if (expression.kind === 'name' || expression.kind === 'column') this.#names.bind(expression, scope)
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
      if (expression.key) this.#names.keyColumn(expression.key)
      for (const child of childrenOf(expression)) this.#expression(child, { ...scope, condition: true })
    } else for (const child of childrenOf(expression)) this.#expression(child, scope)
  }

  #inlineColumn({ op, column: name, all }: InlineAggregate): void {
    const binding = this.#names.column(name)
    const column = binding.kind === 'column' ? this.#names.columns[binding.slot] : undefined
    if (column?.type === 'text' && (op === 'SUM' || op === 'AVG')) {
      throw this.#error(name, `${op} needs a column of numbers; '${column.name}' is text.`)
    }
    if ((op === 'SUM' || op === 'AVG' || op === 'COUNT') && !all) this.#names.usesAction()
  }

  #call(call: Call, scope: Scope): void {
    const { name, args } = call
    if (rowValues.has(name) && args.length === 0) {
      this.#names.usesValue(name)
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

  // --- aggregates ---

  #aggregates(): CheckedAggregate[] {
    const aggregates: CheckedAggregate[] = []
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
    return aggregates.length > 0 ? aggregates : [people]
  }

  #aggregate(line: AggregateLine): CheckedAggregate {
    const alias = (line.alias ?? line.of).name
    const key = line.key && this.#names.keyColumn(line.key)
    const written = line.aggregator?.name
    const isVariable = !written && line.of.kind === 'name' && this.#names.isVariable(line.of.name)
    if (isVariable || written?.startsWith('var')) return this.#variableAggregate(line, alias, key)
    if (line.value) throw this.#error(line, "Only 'var' takes a value with '<<'.")
    const of = this.#names.column(line.of)
    const kind = aggregateKinds[written ?? 'count']!
    this.#summable(line, kind, of)
    return { kind, alias, of, key, all: line.all, carried: false }
  }

  #variableAggregate(line: AggregateLine, alias: string, key: Binding | undefined): CheckedAggregate {
    if (line.value) this.#expression(line.value, { function: undefined, loops: 0, condition: false })
    const carried = line.value !== undefined || this.#assignedWithArrow(line.of.name)
    const of = line.value ?? ({ kind: 'variable', id: this.#names.variable(line.of.name) } as const)
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
    const column = of.kind === 'column' ? this.#names.columns[of.slot]! : undefined
    if (column?.isSet) throw this.#error(line, `'${kind}' needs a column of single values; '${column.name}' is a set.`)
    if (column?.type === 'text' && (kind === 'sum' || kind === 'avg')) {
      throw this.#error(line, `'${kind}' needs a column of numbers; '${column.name}' is text.`)
    }
  }
}
