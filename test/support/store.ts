import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Catalog, type Content, type TableSchema } from '../../src/catalog/index.js'
import { loadConfig } from '../../src/config/index.js'
import { Replays, Storage } from '../../src/storage/index.js'
import { type Row, type Snapshot, type TableReader, Tables } from '../../src/tables/index.js'
import { compareValues } from '../../src/tables/select/value.js'

export interface Store {
  folder: string
  storage: Storage
  catalog: Catalog
  tables: Tables
  close(): Promise<void>
}

export interface StoreOptions {
  settings?: Record<string, string>
  now?: () => number
  node?: string
  /** Whether copies of records are made of every value that is looked up once. */
  gathers?: boolean
}

/** Who writes in tests. */
export const author = { user: 'admin' }

const EAGER = { records: 1, misses: 1 }

/** Opens the records of a folder as a node does, without a node. */
export async function openStore(
  folder: string,
  { settings = {}, now = Date.now, node = 'test', gathers = false }: StoreOptions = {},
): Promise<Store> {
  const config = loadConfig({ flags: Object.entries(settings).map(([path, value]) => `--${path}=${value}`) })
  const storage = await Storage.open({ path: folder, settings: config.storage })
  const catalog = Catalog.open(storage, config.catalog, now)
  const replays = new Replays(storage, config.tables.replay_life_hours * 3_600_000, now)
  const tables = await Tables.open({
    storage,
    catalog,
    replays,
    settings: config.tables,
    node,
    now,
    ...(gathers && { gathering: EAGER }),
  })
  const close = async () => {
    await tables[Symbol.asyncDispose]()
    await storage[Symbol.asyncDispose]()
  }
  return { folder, storage, catalog, tables, close }
}

/** Hands an open store in a temporary folder to the test, and removes it whatever happens. */
export async function withStore<Result>(
  test: (store: Store) => Promise<Result>,
  options: StoreOptions = {},
): Promise<Result> {
  return await withFolder(async (folder) => {
    const store = await openStore(folder, options)
    try {
      return await test(store)
    } finally {
      await store.close()
    }
  })
}

/** Makes readers believe that every read waits for the disk; tells which keys they have fetched for that. */
export function slowToRead(storage: Storage): string[] {
  const fetched: string[] = []
  const fetch = storage.fetch.bind(storage)
  Object.defineProperty(storage, 'isSlowToRead', { value: true, configurable: true })
  storage.fetch = (space, keys, signal) => {
    fetched.push(...keys)
    return fetch(space, keys, signal)
  }
  return fetched
}

export async function withFolder<Result>(test: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-store-'))
  try {
    return await test(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Reads in a snapshot that is gone afterwards. */
export function read<Result>({ tables }: Store, look: (snapshot: Snapshot) => Result): Result {
  const snapshot = tables.snapshot()
  try {
    return look(snapshot)
  } finally {
    snapshot[Symbol.dispose]()
  }
}

/** Every record of a table, in the order of the keys. */
export function rowsOf(store: Store, { database, name }: Pick<TableSchema, 'database' | 'name'>) {
  return read(store, (snapshot) => [...snapshot.table(database, name)!.scan()])
}

/** The index of every column holds exactly what a full scan says, and the count is the number of rows. */
export function expectSoundTable(reader: TableReader): void {
  const { primaryKey, columns } = reader.schema
  const rows = [...reader.scan()]
  expect(reader.count(), 'the count').to.equal(rows.length)
  for (const { name } of columns.filter((column) => reader.isIndexed(column.name))) {
    const entries = rows.flatMap((row) => indexedValues(row[name]).map((value) => ({ value, key: row[primaryKey] })))
    entries.sort((a, b) => compareValues(a.value, b.value) || compareValues(a.key, b.key))
    const found = [...reader.range({ attribute: name })]
    expect(found, `the index of ${name}`).to.deep.equal(entries.map(({ key }) => key))
    for (const { value } of entries) expectTrueCopies(reader, name, value)
  }
  for (const { name, content } of columns) if (content) expect(contentOf(rows, name), name).to.be.oneOf(upTo(content))
}

/** Copies of the records of a value, where there are such, are what is read of the records. */
function expectTrueCopies(reader: TableReader, attribute: string, value: unknown): void {
  const bound = { value, inclusive: true }
  const range = { attribute, from: bound, to: bound }
  const copies = reader.gathered?.(range)
  if (!copies) return
  // A record that was read before a column was added may lack it in memory, which is as good as null there.
  const shown = (row: Row | undefined) => row && reader.schema.columns.map(({ name }) => row[name] ?? null)
  const rows = [...reader.range(range)].map((key) => shown(reader.get(key)))
  expect(
    [...copies].map(({ row }) => shown(row)),
    `copies by ${attribute}`,
  ).to.deep.equal(rows)
}

/** What a column may hold of which it is said what it holds: that, or less. */
const upTo = (content: Content): Content[] => (content === 'scalar' ? ['scalar'] : ['scalar', 'nullable'])

/** What rows have in a column. */
function contentOf(rows: readonly Row[], name: string): Content | undefined {
  const others = rows.map((row) => row[name] ?? null).filter((value) => !isScalar(value))
  if (others.length === 0) return 'scalar'
  return others.every((value) => value === null) ? 'nullable' : undefined
}

/** The same of every table of records. */
export function expectSound(store: Store): void {
  read(store, (snapshot) => {
    for (const { tables } of store.catalog.current.databases.values())
      for (const { database, name, kind } of tables.values())
        if (kind === 'records') expectSoundTable(snapshot.table(database, name)!)
  })
}

function indexedValues(value: unknown): unknown[] {
  if (Array.isArray(value)) return [...new Set(value.map(normal))].filter(isScalar)
  return isScalar(value) ? [normal(value)] : []
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}

function normal(value: unknown): unknown {
  return value === 0 ? 0 : value
}
