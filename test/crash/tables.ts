// The tables that all callers share, and what must be true of them whatever callers have done.
import { cpSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { expectSound, openStore, rowsOf, type Store, withFolder } from '../support/store.js'
import { ACCOUNTS, BALANCE } from './contested.js'
import type { Door } from './door.js'
import { DATABASE, type Row } from './state.js'

export async function createTables(door: Door): Promise<void> {
  const column = (type: string) => (name: string) => ({ name, type })
  const [text, int] = [column('text'), column('int')]
  const create = (table: string, definition: object = {}) =>
    door.ask({ operation: 'create_table', database: DATABASE, table, primary_key: 'id', ...definition })
  const owned = [text('id'), text('owner')]
  await create('item')
  await create('parent', { columns: [...owned, { ...text('code'), unique: true, not_null: true }] })
  await create('child', {
    columns: [...owned, text('cascaded'), text('nulled'), text('restricted')],
    foreign_keys: [
      { column: 'cascaded', table: 'parent', references: 'id', on_delete: 'cascade', on_update: 'cascade' },
      { column: 'nulled', table: 'parent', references: 'id', on_delete: 'set_null', on_update: 'set_null' },
      { column: 'restricted', table: 'parent', references: 'id' },
    ],
  })
  await create('claim', { columns: [...owned, { ...int('slot'), unique: true }] })
  await create('account', { columns: [int('id'), int('balance')] })
  await create('ledger', { columns: [...owned, int('from'), int('to'), int('amount')] })
  const visit = { kind: 'events', columns: [text('page'), int('n')], partitions: 3 }
  await door.ask({ operation: 'create_table', database: DATABASE, table: 'visit', ...visit })
  const records = Array.from({ length: ACCOUNTS }, (_, id) => ({ id, balance: BALANCE }))
  const insert = { operation: 'insert', database: DATABASE }
  await door.ask({ ...insert, table: 'account', records })
  // Conditions name columns, which this table has from its first record on.
  await door.ask({ ...insert, table: 'item', records: [{ id: 'first', owner: 'nobody', n: 0, tag: 't' }] })
}

/** What is wrong in the folder of a node that was killed; of a copy, so that the node itself mends the folder. */
export async function faultsIn(folder: string): Promise<string[]> {
  return await withFolder(async (copy) => {
    cpSync(folder, copy, { recursive: true })
    const store = await openStore(copy)
    try {
      expectSound(store)
      return [...repeatedValues(store), ...orphans(store), ...wrongBalances(store)]
    } finally {
      await store.close()
    }
  }).catch((error: Error) => [`the folder after a kill: ${error.stack ?? error.message}`])
}

function rows(store: Store, name: string): Row[] {
  return rowsOf(store, { database: DATABASE, name })
}

function* repeatedValues(store: Store): Iterable<string> {
  for (const [table, column] of [
    ['claim', 'slot'],
    ['parent', 'code'],
  ] as const) {
    const values = rows(store, table).map((row) => row[column])
    if (new Set(values).size < values.length) yield `${table}.${column} is not unique: ${values}`
  }
}

function* orphans(store: Store): Iterable<string> {
  const parents = new Set<unknown>(rows(store, 'parent').map(({ id }) => id))
  for (const { id, cascaded, nulled, restricted } of rows(store, 'child'))
    for (const parent of [cascaded, nulled, restricted])
      if (parent !== null && parent !== undefined && !parents.has(parent)) yield `child ${id} without parent ${parent}`
}

function* wrongBalances(store: Store): Iterable<string> {
  const balances = Array.from({ length: ACCOUNTS }, () => BALANCE)
  for (const { from, to, amount } of rows(store, 'ledger')) {
    balances[from as number]! -= amount as number
    balances[to as number]! += amount as number
  }
  const found = rows(store, 'account').sort((a, b) => Number(a['id']) - Number(b['id']))
  const are = found.map(({ balance }) => balance)
  if (!isDeepStrictEqual(are, balances)) yield `balances ${are} instead of ${balances}`
}
