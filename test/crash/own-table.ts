// A table that only one caller knows: it comes and goes, and so do its columns.
import type { Change, Luck, Scene } from './change.js'
import { byId, DATABASE, type Row, type State } from './state.js'

type Own = NonNullable<State['own']>
interface OwnScene {
  luck: Luck
  own: Own
  table: { database: string; table: string }
}

export function ownTableOf(owner: string): { database: string; table: string } {
  return { database: DATABASE, table: `own_${owner}` }
}

export function ownTable({ owner, luck, state }: Scene): Change {
  const table = ownTableOf(owner)
  if (!state.own) return create(luck, state, table)
  const choice = luck.next()
  if (choice < 0.12) {
    state.own = undefined
    return { name: 'drop_table', request: { operation: 'drop_table', ...table } }
  }
  const scene = { luck, own: state.own, table }
  if (choice < 0.25) return addColumn(scene)
  if (choice < 0.35) return dropColumn(scene) ?? addColumn(scene)
  if (choice < 0.45) return load(scene)
  if (choice < 0.6) return removeSome(scene) ?? load(scene)
  if (choice < 0.65 && !isDeclared(state.own)) return replace(scene)
  return upsertOwn(scene)
}

/** Only declared tables have a column b, which nobody drops. */
function isDeclared({ columns }: Own): boolean {
  return columns.includes('b')
}

function create(luck: Luck, state: State, table: OwnScene['table']): Change {
  const declared = luck.chance(0.5)
  state.own = { rows: {}, columns: declared ? ['a', 'b', 'id'] : ['id'] }
  const columns = [
    { name: 'id', type: 'text' },
    { name: 'a', type: 'int' },
    { name: 'b', type: 'text', unique: true },
  ]
  return {
    name: 'create_table',
    request: { operation: 'create_table', ...table, primary_key: 'id', ...(declared && { columns }) },
  }
}

/** Remembers a column, which some requests bring along by themselves. */
function note(own: Own, column: string): void {
  if (!own.columns.includes(column)) own.columns = [...own.columns, column].sort()
}

function addColumn({ luck, own, table }: OwnScene): Change {
  const column = `k${luck.number()}`
  note(own, column)
  const job = luck.chance(0.5)
  return {
    name: job ? 'add_column as a job' : 'add_column',
    request: { operation: 'add_column', ...table, column, type: 'int', ...(job && { job }) },
    job,
  }
}

function dropColumn({ luck, own, table }: OwnScene): Change | undefined {
  const column = luck.some(own.columns.filter((name) => !['id', 'a', 'b'].includes(name)))
  if (column === undefined) return undefined
  own.columns = own.columns.filter((name) => name !== column)
  for (const row of Object.values(own.rows)) delete row[column]
  return { name: 'drop_column', request: { operation: 'drop_column', ...table, column } }
}

function load({ luck, own, table }: OwnScene): Change {
  const rows = luck.several(() => ({ id: luck.id(), a: luck.below(9) }))
  Object.assign(own.rows, byId(rows))
  note(own, 'a')
  const data = `id,a\n${rows.map(({ id, a }) => `${id},${a}`).join('\n')}\n`
  return {
    name: 'csv_data_load',
    request: { operation: 'csv_data_load', ...table, action: 'insert', data },
    job: true,
  }
}

function removeSome({ luck, own, table }: OwnScene): Change | undefined {
  const known = Object.keys(own.rows)
  if (known.length === 0) return undefined
  const ids = [...new Set(luck.several(() => luck.of(known)))]
  for (const id of ids) delete own.rows[id]
  return { name: 'delete from the own table', request: { operation: 'delete', ...table, ids } }
}

/** An id of the table, if it has one and luck wants it; otherwise a new one. */
function idFor({ luck, own }: OwnScene, known: number): string {
  return (luck.chance(known) ? luck.some(Object.keys(own.rows)) : undefined) ?? luck.id()
}

function replace(scene: OwnScene): Change {
  const { luck, own, table } = scene
  own.rows = byId(luck.several(() => ({ id: idFor(scene, 0.5), a: luck.below(9) })))
  note(own, 'a')
  const records = Object.values(own.rows)
  return { name: 'replace_records', request: { operation: 'replace_records', ...table, records } }
}

function upsertOwn(scene: OwnScene): Change {
  const { luck, own, table } = scene
  const others = own.columns.filter((name) => name !== 'id')
  const rows = byId(
    luck.several(() => {
      const row: Row = { id: idFor(scene, 0.3) }
      for (const name of others) if (luck.chance(0.7)) row[name] = name === 'b' ? luck.id() : luck.below(9)
      return row
    }),
  )
  if (!isDeclared(own) && luck.chance(0.3)) {
    const name = luck.chance(0.5) ? 'a' : `k${luck.number()}`
    Object.values(rows)[0]![name] = luck.below(9)
    note(own, name)
  }
  for (const [id, row] of Object.entries(rows)) own.rows[id] = { ...own.rows[id], ...row }
  return {
    name: 'upsert into the own table',
    request: { operation: 'upsert', ...table, records: Object.values(rows) },
  }
}
