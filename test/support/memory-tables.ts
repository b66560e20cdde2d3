import type { Column, Content, ForeignKey, TableSchema } from '../../src/catalog/index.js'
import type { FoundRecord, IndexRange, Key, Row, Snapshot, TableReader, ValueRun } from '../../src/tables/reader.js'

/** As much of a text as the indexes of the twin hold: the least that readers promise. */
const TEXT_PREFIX = 200

/** A column as tests write it: what is left out is the plainest. */
export type ColumnSketch = Partial<Column> & { name: string }

let ids = 0

/** A schema from a sketch. */
export function schemaOf(name: string, columns: ColumnSketch[], foreignKeys: Partial<ForeignKey>[] = []): TableSchema {
  return {
    id: ++ids,
    database: 'dev',
    name,
    kind: 'records',
    primaryKey: 'id',
    dynamic: false,
    columns: columns.map((column, id) => ({
      id,
      type: 'any',
      notNull: false,
      unique: false,
      indexed: false,
      ...column,
    })),
    foreignKeys: foreignKeys.map((key) => ({
      column: '',
      table: '',
      references: 'id',
      onDelete: 'restrict',
      onUpdate: 'restrict',
      ...key,
    })),
    createdAt: 0,
    options: {},
  }
}

/** Tables in memory that read as the stored ones do; rows may be added between two readings. */
export class MemoryTables implements Snapshot {
  readonly #tables = new Map<string, MemoryTable>()

  add(schema: TableSchema, rows: readonly Row[] = []): MemoryTable {
    const table = new MemoryTable(schema)
    for (const row of rows) table.put(row)
    this.#tables.set(`${schema.database}.${schema.name}`, table)
    return table
  }

  table(database: string, table: string): TableReader | undefined {
    return this.#tables.get(`${database}.${table}`)
  }

  [Symbol.dispose](): void {}
}

export class MemoryTable implements TableReader {
  readonly schema: TableSchema
  readonly #rows = new Map<Key, Row>()

  constructor(schema: TableSchema) {
    this.schema = schema
  }

  put(row: Row): void {
    this.#rows.set(row[this.schema.primaryKey] as Key, Object.freeze({ ...row }))
  }

  find(key: Key): FoundRecord | undefined {
    const row = this.get(key)
    return row && { row }
  }

  get(key: Key): Row | undefined {
    return this.#rows.get(key)
  }

  *scan({ reverse = false, after }: { reverse?: boolean; after?: Key } = {}): Iterable<Row> {
    const keys = [...this.#rows.keys()].sort(order)
    for (const key of reverse ? keys.reverse() : keys) {
      if (after !== undefined && order(key, after) * (reverse ? -1 : 1) <= 0) continue
      yield this.#rows.get(key)!
    }
  }

  *texts(): Generator<string> {
    for (const row of this.scan()) yield JSON.stringify(row)
  }

  isIndexed(attribute: string): boolean {
    return this.schema.columns.some((column) => column.name === attribute && column.indexed)
  }

  contentOf(attribute: string): Content | undefined {
    if (!this.isIndexed(attribute)) return undefined
    const kinds = new Set(
      [...this.#rows.values()].map((row) => (isPlain(row[attribute]) ? 'scalar' : (row[attribute] ?? null))),
    )
    kinds.delete('scalar')
    if (kinds.size === 0) return 'scalar'
    return kinds.size === 1 && kinds.has(null) ? 'nullable' : undefined
  }

  *range({ attribute, from, to, prefix, reverse = false, after }: IndexRange): Iterable<Key> {
    const direction = reverse ? -1 : 1
    const entries = [...this.#entries(attribute)].sort((a, b) => (order(a[0], b[0]) || order(a[1], b[1])) * direction)
    for (const [value, key] of entries) {
      // A cut text stands for every text that begins with it, so bounds of such texts let it through.
      const isCut = typeof value === 'string' && value.length === TEXT_PREFIX
      if (from && !within(order(value, cut(from.value)), from.inclusive || isCut)) continue
      if (to && !within(-order(value, cut(to.value)), to.inclusive || isCut)) continue
      if (prefix !== undefined && !(typeof value === 'string' && value.startsWith(cut(prefix) as string))) continue
      if (after) {
        const place = order(value, cut(after.value)) || order(key, after.key)
        if (place * direction <= 0) continue
      }
      yield key
    }
  }

  *#entries(attribute: string): Iterable<[string | number | boolean, Key]> {
    for (const [key, row] of this.#rows) {
      const value = Object.hasOwn(row, attribute) ? row[attribute] : undefined
      const values = new Set(Array.isArray(value) ? value : [value])
      const entries = new Set([...values].map(cut))
      for (const entry of entries) if (isPlain(entry)) yield [entry, key]
    }
  }

  *runs(range: IndexRange): Iterable<ValueRun> {
    const runs = new Map<unknown, { key: Key; count: number }>()
    for (const key of this.range(range)) {
      const value = cut(this.get(key)![range.attribute])
      const run = runs.get(value)
      if (run) run.count++
      else runs.set(value, { key, count: 1 })
    }
    yield* runs.values()
  }

  *records(range: IndexRange): Iterable<FoundRecord | undefined> {
    for (const key of this.range(range)) yield this.find(key)
  }

  estimate(range: IndexRange, most: number): number {
    return Math.min(most, [...this.range(range)].length)
  }

  count(): number {
    return this.#rows.size
  }
}

function within(difference: number, inclusive: boolean): boolean {
  return difference > 0 || (inclusive && difference === 0)
}

function cut(value: unknown): unknown {
  return typeof value === 'string' ? value.slice(0, TEXT_PREFIX) : value
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** The order of values, written another way than the code under test does. */
export function order(a: unknown, b: unknown): number {
  const [x, y] = [a ?? null, b ?? null]
  const kind = (value: unknown) =>
    value === null ? 0 : (({ boolean: 1, number: 2, string: 3 } as Record<string, number>)[typeof value] ?? 4)
  if (kind(x) !== kind(y)) return kind(x) - kind(y)
  if (typeof x === 'string') return Buffer.compare(Buffer.from(x), Buffer.from(y as string))
  if (kind(x) === 4) return Buffer.compare(Buffer.from(sorted(x)), Buffer.from(sorted(y)))
  return Number(x) - Number(y)
}

/** JSON with sorted members. */
export function sorted(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
