import { createHash } from 'node:crypto'
import { Problem } from '../lib/index.js'
import type { WriteTransaction } from './group.js'
import { AFTER_VALUES, afterPrefix, encodeId, encodeValue } from './key.js'
import type { Storage } from './storage.js'

/**
 * One step from a format to the next: migrations[0] leads from 1 to 2. It runs in the transaction that also stores the
 * new number, so a step happens whole or not at all. Everything it needs it reads from the storage.
 */
export type Migration = (transaction: WriteTransaction, storage: Storage) => void

/**
 * 1 → 2: answers of idempotency keys were kept open. They cannot be sealed without their keys, so they go: a request from
 * before that is repeated afterwards runs again.
 */
const forgetOpenAnswers: Migration = (transaction, storage) => {
  for (const space of [storage.keyspace('replays'), storage.keyspace('replay_times')])
    for (const key of transaction.keys(space, { start: '\0', end: AFTER_VALUES })) transaction.remove(space, key)
}

interface TableOfFormat2 {
  id: number
  columns: { id: number; name: string; unique: boolean }[]
}

/**
 * 2 → 3: unique columns knew objects by their members as they were sent. Now they are in order, and objects with others
 * would be taken for new ones: the same value would be stored a second time.
 */
const orderUniqueMembers: Migration = (transaction, storage) => {
  const [catalog, records, uniques] = ['catalog', 'records', 'uniques'].map((name) => storage.keyspace(name))
  using snapshot = storage.snapshot()
  for (const [, text] of snapshot.entries(catalog!, { start: 't', end: 'u' })) {
    const { id, columns } = JSON.parse(text) as TableOfFormat2
    const found = columns.filter(({ unique }) => unique)
    const prefix = encodeId(id)
    const range = { start: prefix, end: afterPrefix(prefix) }
    for (const [key, stored] of found.length > 0 ? snapshot.entries(records!, range) : []) {
      const record = JSON.parse(stored.slice(stored.indexOf('|') + 1)) as Record<string, unknown>
      for (const column of found) {
        const value = Object.hasOwn(record, column.name) ? record[column.name] : null
        if (typeof value !== 'object' || value === null) continue
        const [before, after] = [JSON.stringify(value), inOrder(value)].map((json) => uniqueAt(column.id, json))
        if (before === after || transaction.get(uniques!, before!) !== key.slice(prefix.length)) continue
        transaction.remove(uniques!, before!)
        transaction.put(uniques!, after!, key.slice(prefix.length))
      }
    }
  }
}

function inOrder(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inOrder).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${inOrder(member)}`).join(',')}}`
}

function uniqueAt(column: number, json: string): string {
  const encoded = encodeValue(json)
  if (encoded.length <= 200) return `${encodeId(column)}v${encoded}`
  return `${encodeId(column)}d${createHash('sha256').update(encoded, 'latin1').digest().toString('latin1')}`
}

interface TableOfFormat3 {
  id: number
  dynamic: boolean
  columns: { id: number; name: string }[]
}

/**
 * 3 → 4: columns note what they hold, which a version that knows nothing of it would not keep. Of what is there already
 * it is only known of the times of dynamic tables, which every record has but those of nodes where the table is none.
 */
const noteContents: Migration = (transaction, storage) => {
  const [catalog, counts, indexes] = ['catalog', 'counts', 'indexes'].map((name) => storage.keyspace(name))
  using snapshot = storage.snapshot()
  for (const key of transaction.keys(catalog!, { start: 't', end: 'u' })) {
    const table = JSON.parse(transaction.get(catalog!, key)!) as TableOfFormat3
    if (!table.dynamic) continue
    const records = Number(snapshot.get(counts!, encodeId(table.id)) ?? 0)
    const columns = table.columns.map((column) => {
      if (column.name !== '__createdtime__' && column.name !== '__updatedtime__') return column
      const prefix = encodeId(column.id)
      const isWhole = snapshot.count(indexes!, { start: prefix, end: afterPrefix(prefix) }) === records
      return { ...column, content: isWhole ? 'scalar' : 'nullable' }
    })
    transaction.put(catalog!, key, JSON.stringify({ ...table, columns }))
  }
}

/** 4 → 5: a version that knows nothing of copies beside indexes would not take them away when records change. */
const allowCopies: Migration = () => {}

/** The steps that were ever needed. The format of this version is one more than their number. */
const migrationsOfThisVersion: readonly Migration[] = [forgetOpenAnswers, orderUniqueMembers, noteContents, allowCopies]

const FORMAT = 'format'

/**
 * Brings the storage to the format of this version and stores the number.
 * @throws Problem data_folder_newer
 */
export async function migrate(storage: Storage, migrations = migrationsOfThisVersion): Promise<void> {
  const meta = storage.keyspace('meta')
  const supported = migrations.length + 1
  const found = await storage.write((transaction) => transaction.get(meta, FORMAT))
  const format = found === undefined ? supported : Number(found)
  if (format > supported) throw new Problem('data_folder_newer', { folder: storage.path, format, supported })
  for (let step = format; step < supported; step++) {
    await storage.write((transaction) => {
      migrations[step - 1]!(transaction, storage)
      transaction.put(meta, FORMAT, String(step + 1))
    })
  }
  if (found === undefined) {
    await storage.write((transaction) => transaction.put(meta, FORMAT, String(supported)))
  }
}
