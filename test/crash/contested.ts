// Changes for which callers compete, and those of several tables at once.
import type { Change, Scene } from './change.js'
import { newParent } from './families.js'
import { newItem } from './items.js'
import { clean, DATABASE } from './state.js'

export const ACCOUNTS = 6
export const BALANCE = 1_000
const SLOTS = 40
const claimed = { database: DATABASE, table: 'claim' }

/** One of few unique values, which others may have. */
export function claim({ owner, luck, state }: Scene): Change {
  const known = luck.some(Object.keys(state.claim))
  const slot = luck.below(SLOTS)
  if (known === undefined || luck.chance(0.55)) {
    const row = { id: luck.id(), owner, slot }
    state.claim[row.id] = row
    const request = { operation: 'insert', ...claimed, records: [row] }
    return { name: 'claim a unique value', request, mayRefuse: 'value_taken' }
  }
  if (luck.chance(0.5)) {
    delete state.claim[known]
    return { name: 'release a unique value', request: { operation: 'delete', ...claimed, ids: [known] } }
  }
  state.claim[known] = { ...state.claim[known]!, slot }
  const request = { operation: 'update', ...claimed, records: [{ id: known, slot }] }
  return { name: 'claim another unique value', request, mayRefuse: 'value_taken' }
}

/** Moves money between two accounts that all share: what was read must still be so when it is written. */
export async function transfer({ owner, luck, state, door }: Scene): Promise<Change> {
  const from = luck.below(ACCOUNTS)
  const to = (from + 1 + luck.below(ACCOUNTS - 1)) % ACCOUNTS
  const amount = 1 + luck.below(20)
  const search = { operation: 'search_by_id', ids: [from, to], get_attributes: ['id', 'balance'] }
  const accounts = await door.ask<{ id: number; balance: number }[]>({
    ...search,
    database: DATABASE,
    table: 'account',
  })
  const row = { id: luck.id(), owner, from, to, amount }
  state.ledger[row.id] = row
  const step = (id: number, change: number) => {
    const { balance } = accounts.find((account) => account.id === id)!
    const records = [{ id, balance: balance + change }]
    return { operation: 'update', table: 'account', records, if: [['balance', '=', balance]] }
  }
  const operations = [step(from, -amount), step(to, amount), { operation: 'insert', table: 'ledger', records: [row] }]
  return {
    name: 'transfer',
    request: { operation: 'transaction', database: DATABASE, operations },
    mayRefuse: 'condition_failed',
  }
}

/** Records of three tables, of which the last step may refuse all. */
export function severalTables({ owner, luck, state }: Scene): Change {
  const item = newItem(owner, luck)
  const parent = newParent(owner, luck)
  const child = { id: luck.id(), owner }
  const insert = (table: string, record: object) => ({ operation: 'insert', table, records: [record] })
  const fails = luck.chance(0.3)
  const operations = [
    insert('item', item),
    insert('parent', parent),
    insert('child', { ...child, cascaded: { $key: [1, 0] } }),
    ...(fails ? [insert('child', { id: luck.id(), owner, cascaded: 'nobody' })] : []),
  ]
  state.item[String(item['id'])] = clean(item)
  state.parent[parent.id] = parent
  state.child[child.id] = { ...child, cascaded: parent.id }
  return {
    name: 'transaction',
    request: { operation: 'transaction', database: DATABASE, operations },
    mustRefuse: fails && 'parent_missing',
  }
}
