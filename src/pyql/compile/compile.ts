import type { FunctionDefinition } from '../ast.js'
import { type Checked, type CheckedAggregate, check } from '../check.js'
import type { Parameters } from '../parameters.js'
import { parse } from '../parser.js'
import type { Aggregate, Mode, Program, TableColumn } from '../program.js'
import { groupArrays } from './counting.js'
import { helpersFor } from './helpers.js'
import { needsOf } from './needs.js'
import { block } from './statements.js'
import { noneOf } from './types.js'
import { type Context, Unit } from './unit.js'

export interface CompileOptions {
  readonly mode: Mode
  /** The columns that the caller may see; others are unknown. */
  readonly columns: readonly TableColumn[]
  readonly parameters?: Parameters
  /** Histograms with foreach: the script knows `each_value`. */
  readonly each?: boolean
}

/** Compiles a script. Throws PyqlError with line, column and picture. */
export function compile(text: string, options: CompileOptions): Program {
  const { mode, columns, parameters = new Map(), each = false } = options
  const names = new Set(columns.map(({ name }) => name))
  const hasNone = parameters.size === 0 && (mode === 'segment' || mode === 'trigger')
  const script = parse(text, hasNone ? undefined : parameters, (name) => names.has(name))
  return generate(check(script, { text, mode, columns, each }))
}

/** Chains of assignments take a pass for each link: after so many, every variable holds values of any type. */
const passesMax = 30

/**
 * The types of variables depend on what is assigned to them, and that on the types of variables: the script is compiled
 * until nothing new is learned. Types only ever get wider, so this ends.
 */
function generate(checked: Checked): Program {
  let tagged = false
  let unit: Unit | undefined
  for (let pass = 0; ; pass++) {
    unit = new Unit(checked, unit, tagged)
    if (pass >= passesMax) unit.widen()
    const source = checked.setMath ? '' : write(unit)
    if (unit.needsTags && !tagged) {
      tagged = true
      unit = undefined
    } else if (!unit.changed) return program(unit, source)
  }
}

function program(unit: Unit, source: string): Program {
  const { checked } = unit
  return {
    ...{ mode: checked.mode, source, text: checked.text, constants: unit.constants, columns: checked.columns },
    ...{ needs: needsOf(checked), readsPersonId: unit.readsPersonId, setMath: checked.setMath },
    aggregates: checked.aggregates.map((one) => shown(checked, one)),
    functions: checked.functions.filter(({ parameters }) => parameters.length === 0).map(({ name }) => name),
    readsEach:
      checked.mode === 'histogram' &&
      [...checked.bindings.values()].some(
        (binding) => binding.kind === 'variable' && checked.variables[binding.id] === 'each_value',
      ),
  }
}

function shown(checked: Checked, { kind, alias, of, carried }: CheckedAggregate): Aggregate {
  const column = of.kind === 'column' && 'slot' in of ? checked.columns[of.slot] : undefined
  const type =
    kind === 'count' || (kind === 'var' && !carried) ? 'int' : kind === 'avg' ? 'double' : (column?.type ?? 'any')
  return { kind, alias, type, carried, numeric: type === 'int' || type === 'double' }
}

function write(unit: Unit): string {
  const { checked } = unit
  const top: Context = { row: 'r', first: '0', prev: '0', matched: '0', function: undefined, loops: [] }
  const functions = checked.functions.map((own, index) => definition(unit, own, index)).join('\n')
  const entry = checked.mode === 'trigger' ? `\n${entries(unit)}` : ''
  const body = `person: {\n${block(unit, top, checked.script.body)}${entry}\n}`
  const guarded = guard(unit, body)
  const each = perPerson(unit, `${functions}\n${guarded}`)
  const text = [each, functions, guarded, ...unit.blockLines].join('\n')
  const uses = (name: string) => new RegExp(`\\b${name}\\b`).test(text)
  return [
    helpersFor(`${text}\n${unit.scanLines.join('\n')}`),
    ...checked.aggregates.map((_, index) => `const A${index} = rt.accumulators[${index}]`),
    ...unit.scanLines,
    'const now = rt.now, seen = rt.seen',
    'return function scan(block, population, members, from, entry) {',
    `const { people, rowStart, rowEnd, personNumber${uses('stamp') ? ', stamp' : ''} } = block`,
    ...checked.columns.flatMap((column, slot) => columnLines(column, slot, uses)),
    ...unit.blockLines,
    ...[...groupArrays(checked)].filter(([name]) => uses(name)).map(([name, array]) => `let ${name} = ${array}`),
    'let fuel = 0',
    // The end moves where a slice is over: with the place itself outside of the loop V8 makes slower code of it.
    'let stopAt = people',
    'for (let p = from; p < stopAt; p++) {',
    'const person = personNumber[p]',
    'if (population !== undefined && (population[person >>> 5] & (1 << (person & 31))) === 0) continue',
    'const start = rowStart[p], end = rowEnd[p]',
    ...(hasEach(checked) ? ['for (let each = 0; each < rt.each.length; each++) {'] : ['{']),
    each,
    functions,
    guarded,
    '}',
    'if (rt.isLate) stopAt = p + 1',
    '}',
    ...unit.blockEnd,
    'return stopAt',
    '}',
  ].join('\n')
}

/** A histogram with foreach runs for each value of the column. */
function hasEach({ mode, variables }: Checked): boolean {
  return mode === 'histogram' && variables.includes('each_value')
}

/** Functions throw to end the script. What stops a trigger for one person does not stop it for others. */
function guard(unit: Unit, body: string): string {
  if (unit.checked.mode === 'trigger') {
    const ended = 'rt.endPerson(block.personId(p), failure === rt.exit ? undefined : failure)'
    return `let failure\ntry {\n${body}\n} catch (stopped) { failure = stopped }\n${ended}`
  }
  return unit.throwsExit ? `try {\n${body}\n} catch (stopped) { if (stopped !== rt.exit) throw stopped }` : body
}

function perPerson(unit: Unit, body: string): string {
  const { checked } = unit
  const variables = checked.variables.map((name, id) => {
    const start = name === 'each_value' && hasEach(checked) ? 'rt.each[each]' : noneOf(unit.variables[id]!)
    return `let v${id} = ${start}`
  })
  return [
    serial(checked, body),
    ...(unit.usesSeen ? ['seen.clear()'] : []),
    ...(unit.usesSessions ? ['rt.numberSessions(stamp, start, end)'] : []),
    ...variables,
    'let r = start',
  ].join('\n')
}

/** Where nothing is called that has a budget of its own, only the number of the person counts on. */
function serial(checked: Checked, body: string): string {
  if (hasEach(checked)) return 'const serial = rt.next(each)'
  const plain = checked.mode === 'event' || checked.mode === 'segment'
  if (!plain || /\brt\.(?!child\b|codeNode\b|refuel\b|pool\b|last\b|rows\b)/.test(body))
    return 'const serial = rt.next(0)'
  return 'const serial = ++rt.serial\nif ((serial & 255) === 0) rt.look()'
}

/** Only what is used of a column is read. */
function columnLines({ isSet, type }: TableColumn, slot: number, uses: (name: string) => boolean): string[] {
  const parts = [`c${slot} = b${slot}.${type === 'text' ? 'codes' : 'values'}`]
  if (type === 'text') parts.push(`d${slot} = b${slot}.dictionary`)
  if (isSet) parts.push(`o${slot} = b${slot}.offsets`)
  const used = parts.filter((part) => uses(part.split(' ', 1)[0]!))
  return used.length === 0 ? [] : [`const b${slot} = rt.column(block, ${slot})`, ...used.map((part) => `const ${part}`)]
}

/** Functions are made for each person: they see the person's variables, and calls are counted against its budget. */
function definition(unit: Unit, own: FunctionDefinition, index: number): string {
  const parameters = own.parameters.map((_, i) => `a${i}`)
  const all = ['r', 'first', 'prev', 'matched', ...parameters].join(', ')
  const context: Context = {
    ...{ row: 'r', first: 'first', prev: 'prev', matched: 'matched', function: own, loops: [] },
  }
  const none = noneOf(unit.results[index]!)
  return `function f${index}(${all}) {
if (--fuel < 0) fuel = rt.refuel(fuel)
rt.enter(${own.start})
const result = g${index}(${all})
rt.depth--
return result
}
function g${index}(${all}) {
${block(unit, context, own.body)}
return ${none}
}`
}

/** The functions by which a trigger is entered give their value to the runtime. */
function entries(unit: Unit): string {
  const { functions } = unit.checked
  const own = functions.filter(({ parameters }) => parameters.length === 0)
  const calls = own.map(({ name }, entry) => {
    const index = functions.findIndex((one) => one.name === name)
    return `case ${entry}: rt.returned = ${unit.any({ js: `f${index}(r, 0, 0)`, type: unit.results[index]! })}; break`
  })
  return calls.length === 0 ? '' : `switch (entry) {\n${calls.join('\n')}\n}`
}
