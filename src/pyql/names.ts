import { didYouMean } from '../lib/index.js'
import type { ColumnName, FunctionDefinition, Name } from './ast.js'
import { rowValues } from './builtins.js'
import type { PyqlError, PyqlErrorKind } from './errors.js'
import type { TableColumn } from './program.js'
import type { Span } from './source.js'

/** What a name stands for. */
export type Binding =
  | { kind: 'column'; slot: number }
  | { kind: 'variable'; id: number }
  | { kind: 'parameter'; index: number }
  | { kind: 'value'; name: string }
  | { kind: 'none' }

/** What is around a name. */
export interface Scope {
  function: FunctionDefinition | undefined
  loops: number
  /** Conditions of rows: a name that nothing sets is a mistake there. */
  condition: boolean
}

/** What every event has, by the names that it has in scripts. */
const actionNames = ['action', '__action']
const actionColumn: TableColumn = { name: '__action', type: 'text', isSet: false }
/** Values of the language that bare names mean where a column may stand. */
const valuesAsColumns: ReadonlyMap<string, string> = new Map([
  ['session', 'session'],
  ['__session', '__session'],
  ['__stamp', '__stamp'],
  ['event_time', '__stamp'],
  ['person', 'person'],
  ['people', 'person'],
])

/** An error at a place of the script. */
export type ErrorAt = (span: Span, message: string, kind?: PyqlErrorKind) => PyqlError

/** The names of a script: what each stands for, and which columns and variables it needs. */
export class Names {
  readonly bindings = new Map<Name | ColumnName, Binding>()
  /** The columns that the script reads, by slot. */
  readonly columns: TableColumn[] = []
  /** By id. */
  readonly variables: string[] = []
  readonly #known: ReadonlyMap<string, TableColumn>
  readonly #slots = new Map<string, number>()
  readonly #ids = new Map<string, number>()
  readonly #error: ErrorAt

  constructor(columns: readonly TableColumn[], error: ErrorAt) {
    this.#known = new Map(columns.map((column) => [column.name, column]))
    this.#error = error
  }

  /** Whether a bare name is a column. */
  isColumn(name: string): boolean {
    return this.#known.has(name) || actionNames.includes(name)
  }

  /** The id of a variable, made when it is new. */
  variable(name: string): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const id = this.variables.push(name) - 1
    this.#ids.set(name, id)
    return id
  }

  /** @throws PyqlError where it can stand for nothing */
  bind(name: Name | ColumnName, scope: Scope): void {
    this.bindings.set(name, this.#resolve(name, scope))
  }

  #resolve(name: Name | ColumnName, scope: Scope): Binding {
    if (name.kind === 'column') return this.column(name)
    const index = scope.function?.parameters.findIndex((parameter) => parameter.name === name.name) ?? -1
    if (index !== -1) return { kind: 'parameter', index }
    if (this.isColumn(name.name)) return this.column(name)
    const id = this.#ids.get(name.name)
    if (id !== undefined) return { kind: 'variable', id }
    if (rowValues.has(name.name)) {
      this.usesValue(name.name)
      return { kind: 'value', name: name.name }
    }
    return this.#unknown(name, scope)
  }

  /** Makes known that a value of the language is used: events are told apart by stamp and action. */
  usesValue(name: string): void {
    if (name === 'event_count') this.usesAction()
  }

  /** A name that nothing sets is None, unless it looks like a misspelt column or a row is tested by it. */
  #unknown(name: Name, scope: Scope): Binding {
    const names = [...this.#known.keys(), ...actionNames, ...this.#ids.keys(), ...rowValues]
    const hint = name.name.length < 3 ? '' : didYouMean(name.name, names)
    if (hint === '' && !scope.condition) return { kind: 'none' }
    throw this.#error(name, `Nothing sets '${name.name}', and it is no column.${hint}`, 'unknown_column')
  }

  /** A column, or a value that stands where one may. @throws PyqlError */
  column(name: Name | ColumnName): Binding {
    const value = name.kind === 'name' ? valuesAsColumns.get(name.name) : undefined
    if (value !== undefined) return this.#remember(name, { kind: 'value', name: value })
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
    this.bindings.set(name, binding)
    return binding
  }

  /** The column that people are counted with. @throws PyqlError */
  keyColumn(name: Name | ColumnName): Binding {
    const binding = this.column(name)
    if (binding.kind === 'column' && this.columns[binding.slot]!.isSet) {
      throw this.#error(name, `'with' takes a column of single values; '${name.name}' is a set.`)
    }
    return binding
  }

  #slot(column: TableColumn): number {
    const known = this.#slots.get(column.name)
    if (known !== undefined) return known
    const slot = this.columns.push(column) - 1
    this.#slots.set(column.name, slot)
    return slot
  }

  usesAction(): void {
    this.#slot(actionColumn)
  }

  isVariable(name: string): boolean {
    return this.#ids.has(name)
  }
}
