// Changes of records in a table without declared columns.
import type { Change, Luck, Scene } from './change.js'
import { byId, clean, DATABASE, type Row } from './state.js'

/** So many records of a caller that it deletes all of them. */
const MOST = 700
const item = { database: DATABASE, table: 'item' }

export function newItem(owner: string, luck: Luck): Row {
  const row: Row = { id: luck.id(), owner, n: luck.below(50), tag: `t${luck.below(12)}` }
  if (luck.chance(0.3)) row['list'] = [luck.below(5), `x${luck.below(5)}`]
  if (luck.chance(0.2)) row['nest'] = { a: luck.below(9), b: [null, true, 'é€𝒳'] }
  if (luck.chance(0.05)) row[`extra${luck.below(40)}`] = luck.below(100)
  // No two begin alike: an index holds the beginning of a long text, and has no order for what is behind that.
  if (luck.chance(0.05)) row['text'] = `${luck.id()} ${'long '.repeat(luck.below(1_000))}`
  return row
}

export function insert({ owner, luck, state }: Scene): Change {
  const fresh = luck.several(() => newItem(owner, luck))
  const known = luck.chance(0.3) ? luck.some(Object.keys(state.item)) : undefined
  const skipped = known === undefined ? [] : [{ id: known, owner, n: -1 }]
  for (const row of fresh) state.item[String(row['id'])] = clean(row)
  return {
    name: 'insert',
    request: { operation: 'insert', ...item, records: [...fresh, ...skipped] },
    fault: ({ inserted_hashes: keys }) =>
      (keys as unknown[]).length === fresh.length ? undefined : `inserted ${String(keys)} of ${fresh.length}`,
  }
}

export function upsert({ owner, luck, state }: Scene): Change {
  const known = Object.keys(state.item)
  const some = luck.several(() => ({ ...newItem(owner, luck), ...(luck.chance(0.6) && idOf(luck.some(known))) }))
  const records = byId(some)
  for (const [id, row] of Object.entries(records)) state.item[id] = { ...state.item[id], ...clean(row) }
  return { name: 'upsert', request: { operation: 'upsert', ...item, records: Object.values(records) } }
}

function idOf(id: string | undefined): Row {
  return id === undefined ? {} : { id }
}

export function updateIf({ luck, state }: Scene): Change | undefined {
  const id = luck.some(Object.keys(state.item))
  if (id === undefined) return undefined
  const stored = state.item[id]!
  const n = luck.below(50)
  const fails = luck.chance(0.2)
  state.item[id] = { ...stored, n }
  const condition = [['n', '=', fails ? 1_000 : stored['n']]]
  return {
    name: 'update if',
    request: { operation: 'update', ...item, records: [{ id, n }], if: condition },
    mustRefuse: fails && 'condition_failed',
  }
}

export function updateWhere({ owner, luck, state }: Scene): Change {
  const tag = `t${luck.below(12)}`
  const n = luck.below(50)
  for (const row of Object.values(state.item)) if (row['tag'] === tag) row['n'] = n
  const where = {
    and: [
      ['owner', '=', owner],
      ['tag', '=', tag],
    ],
  }
  return { name: 'update where', request: { operation: 'update', ...item, set: { n }, where } }
}

export function remove(scene: Scene): Change | undefined {
  const { luck, state } = scene
  const known = Object.keys(state.item)
  if (known.length === 0) return undefined
  if (known.length > MOST) return removeRange(scene, 0, Number.MAX_SAFE_INTEGER)
  const from = luck.below(50)
  if (luck.chance(0.3)) return removeRange(scene, from, from + 10)
  const ids = [...new Set(luck.several(() => luck.of(known)))]
  for (const id of ids) delete state.item[id]
  return { name: 'delete', request: { operation: 'delete', ...item, ids } }
}

function removeRange({ owner, state }: Scene, from: number, end: number): Change {
  for (const [id, { n }] of Object.entries(state.item)) if (Number(n) >= from && Number(n) < end) delete state.item[id]
  const where = {
    and: [
      ['owner', '=', owner],
      ['n', '>=', from],
      ['n', '<', end],
    ],
  }
  return { name: 'delete where', request: { operation: 'delete', ...item, where } }
}
