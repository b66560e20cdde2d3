import { Problem } from '../lib/index.js'
import type { Column, ColumnType, ForeignKey, ForeignKeyAction, TableSchema } from './schema.js'
import { coerce } from './value.js'

/** A column as callers write it: our own words, HarperDB's attributes, or pyql's columns with their `mods` text. */
export interface ColumnDefinition {
  name: string
  /** A type of ours, of HarperDB (`String`, `Int`…) or of pyql (`str`, `float`…); `any` when left out. */
  type?: string
  not_null?: boolean
  default?: unknown
  unique?: boolean
  indexed?: boolean
  auto_increment?: boolean
  is_set?: boolean
  is_primary_key?: boolean
  /** SQL text of pyql: `NOT NULL`, `UNIQUE`, `DEFAULT x`, `AUTOINCREMENT`, `PRIMARY KEY`. */
  mods?: string | null
}

/** A foreign key as callers write it: ours, or a member of pyql's object `{column: {table, ref, mods}}`. */
export interface ForeignKeyDefinition {
  column: string
  table: string
  references: string
  on_delete?: ForeignKeyAction
  on_update?: ForeignKeyAction
  mods?: string | null
}

export interface TableDefinition {
  database: string
  table: string
  kind?: 'records' | 'events'
  /** May be left out where a column says that it is the key, and for tables of events. */
  primaryKey?: string
  /** Left out or undefined: a dynamic table. */
  columns?: ColumnDefinition[]
  foreignKeys?: ForeignKeyDefinition[]
  options?: Record<string, unknown>
  /** A table of the same definition that is there already will do. */
  keepEqual?: boolean
}

const TYPES: Record<string, ColumnType> = {
  text: 'text',
  string: 'text',
  str: 'text',
  int: 'int',
  integer: 'int',
  long: 'int',
  bigint: 'int',
  double: 'double',
  float: 'double',
  real: 'double',
  number: 'double',
  bool: 'bool',
  boolean: 'bool',
  json: 'json',
  object: 'json',
  blob: 'blob',
  bytes: 'blob',
  timestamp: 'timestamp',
  date: 'timestamp',
  datetime: 'timestamp',
  any: 'any',
  id: 'any',
}
const EVENT_TYPES = new Set<ColumnType>(['text', 'int', 'double', 'bool'])
/** What every event has anyway, by its names in scripts. */
const EVENT_WORDS = ['__stamp', '__action', '__uuid', '__session', '__triggers', '__emit', '__segment']

/** @throws Problem invalid_column */
export function columnType(name: string, column: string): ColumnType {
  const type = Object.hasOwn(TYPES, name.toLowerCase()) ? TYPES[name.toLowerCase()] : undefined
  if (type) return type
  throw new Problem('invalid_column', {
    column,
    reason: `type '${name}' is not known; use one of ${[...new Set(Object.values(TYPES))].join(', ')}`,
  })
}

type Mods = Pick<ColumnDefinition, 'not_null' | 'unique' | 'auto_increment' | 'is_primary_key' | 'default'>

/** The words of a column's `mods` text; each takes what it understands from the front and leaves the rest. */
const MODS: [RegExp, (found: string[]) => Mods][] = [
  [/^not\s+null\b/i, () => ({ not_null: true })],
  [/^null\b/i, () => ({ not_null: false })],
  [/^unique\b/i, () => ({ unique: true })],
  [/^primary\s+key\b/i, () => ({ is_primary_key: true })],
  [/^auto_?increment\b/i, () => ({ auto_increment: true })],
  [/^default\s+'((?:[^']|'')*)'/i, ([, text]) => ({ default: text!.replaceAll("''", "'") })],
  [/^default\s+"([^"]*)"/i, ([, text]) => ({ default: text! })],
  [/^default\s+(true|false|null)\b/i, ([, word]) => ({ default: JSON.parse(word!.toLowerCase()) as unknown })],
  [/^default\s+([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?=\s|$)/i, ([, number]) => ({ default: Number(number) })],
  [/^default\s+([A-Za-z_]\w*)(?=\s|$)/i, ([, word]) => ({ default: word! })],
]

/**
 * Reads the SQL words of pyql's column `mods` beside what its definition says besides them.
 * @throws Problem invalid_column for a word that is none of them, or says something else than the definition or another word
 */
export function parseMods(mods: string, { name: column, ...said }: ColumnDefinition): Mods {
  const found: Mods = {}
  let rest = mods.trim()
  while (rest !== '') {
    const [length, meaning] = firstMod(rest)
    if (length === 0)
      throw new Problem('invalid_column', {
        column,
        reason: `mods '${rest.slice(0, 60)}' are not understood; known are NOT NULL, UNIQUE, DEFAULT x, AUTOINCREMENT, PRIMARY KEY`,
      })
    const before: Mods = { ...said, ...found }
    for (const [name, value] of Object.entries(meaning))
      if ((before[name as keyof Mods] ?? value) !== value)
        throw new Problem('invalid_column', { column, reason: `its ${name} is said twice, and not the same` })
    Object.assign(found, meaning)
    rest = rest.slice(length).trimStart()
  }
  return found
}

/** SQL words that stand for a moment: as a default they would be stored as text, letter by letter. */
const MOMENT = /^default\s+(current_\w+|localtime\w*|now)\b/i

function firstMod(text: string): [number, Mods] {
  if (MOMENT.test(text)) return [0, {}]
  for (const [pattern, meaning] of MODS) {
    const found = pattern.exec(text)
    if (found) return [found[0].length, meaning([...found])]
  }
  return [0, {}]
}

/** A definition as a column. Columns are indexed unless they are told not to be, or cannot be. */
export function toColumn(definition: ColumnDefinition, id: number, kind: TableSchema['kind'] = 'records'): Column {
  const { name } = definition
  const all = { ...definition, ...parseMods(definition.mods ?? '', definition) }
  const type = columnType(all.type ?? (kind === 'events' ? 'text' : 'any'), name)
  const reason = kind === 'events' ? unfitForEvents(all, type) : all.is_set && 'only columns of events can be sets'
  if (reason) throw new Problem('invalid_column', { column: name, reason })
  if (all.auto_increment && type !== 'int')
    throw new Problem('invalid_column', { column: name, reason: 'only int columns count up by themselves' })
  if (all.auto_increment && all.default !== undefined && all.default !== null)
    throw new Problem('invalid_column', { column: name, reason: 'it counts up, or has a default, not both' })
  const column: Column = {
    id,
    name,
    type,
    notNull: all.not_null === true,
    unique: all.unique === true,
    indexed: kind === 'records' && type !== 'json' && type !== 'blob' && all.indexed !== false,
    ...(all.auto_increment && { autoIncrement: true }),
    ...(kind === 'events' && { isSet: all.is_set === true }),
  }
  if (all.default === undefined || all.default === null) return column
  const value = coerce(column, all.default)
  if (!value)
    throw new Problem('invalid_column', { column: name, reason: `the default is not a valid value of type ${type}` })
  return { ...column, default: value.value }
}

/** Why events cannot have such a column. */
function unfitForEvents(column: ColumnDefinition, type: ColumnType): string | undefined {
  if (!EVENT_TYPES.has(type)) return 'columns of events are text, int, double or bool'
  if (EVENT_WORDS.includes(column.name)) return 'every event has something of this name already'
  const words = (['not_null', 'unique', 'auto_increment', 'is_primary_key'] as const).filter((word) => column[word])
  if (column.default !== undefined && column.default !== null) return 'columns of events have no default'
  return words.length > 0 ? `columns of events are never ${words.join(', ')}` : undefined
}

const ACTIONS = /^on\s+(delete|update)\s+(cascade|restrict|no\s+action|set\s+null)\b\s*/i

/** @throws Problem invalid_column */
export function toForeignKey({
  column,
  mods,
  on_delete,
  on_update,
  references,
  table,
}: ForeignKeyDefinition): ForeignKey {
  const refuse = (reason: string) => new Problem('invalid_column', { column, reason })
  const said: Partial<Record<string, ForeignKeyAction>> = { delete: on_delete, update: on_update }
  let rest = (mods ?? '').trim()
  while (rest !== '') {
    const found = ACTIONS.exec(rest)
    if (!found)
      throw refuse(
        `foreign key mods '${rest.slice(0, 60)}' are not understood; known are ON DELETE and ON UPDATE with CASCADE, RESTRICT, SET NULL`,
      )
    const [event, words] = [found[1]!.toLowerCase(), found[2]!.toLowerCase().replace(/\s+/g, '_')]
    const action = words === 'no_action' ? 'restrict' : (words as ForeignKeyAction)
    if ((said[event] ?? action) !== action)
      throw refuse(`what its foreign key does on ${event} is said twice, and not the same`)
    said[event] = action
    rest = rest.slice(found[0].length)
  }
  const { delete: onDelete = 'restrict', update: onUpdate = 'restrict' } = said
  return { column, table, references, onDelete, onUpdate }
}
