// Changes of parents and of children that refer to them in three ways.
import type { Change, Luck, Scene } from './change.js'
import { DATABASE, type Row } from './state.js'

const parent = { database: DATABASE, table: 'parent' }
const child = { database: DATABASE, table: 'child' }

export function newParent(owner: string, luck: Luck): Row & { id: string } {
  return { id: luck.id(), owner, code: `code ${luck.id()}` }
}

export function family(scene: Scene): Change {
  const { luck, state } = scene
  const id = luck.some(Object.keys(state.parent))
  const choice = luck.next()
  if (choice < 0.3 || id === undefined) return insertParent(scene)
  if (choice < 0.7) return insertChildren(scene, id)
  if (choice < 0.75) return moveParent(scene, id)
  if (choice < 0.85) return changeCode(scene, id)
  return deleteParent(scene, id)
}

function insertParent({ owner, luck, state }: Scene): Change {
  const row = newParent(owner, luck)
  state.parent[row.id] = row
  return { name: 'insert a parent', request: { operation: 'insert', ...parent, records: [row] } }
}

function insertChildren({ owner, luck, state }: Scene, id: string): Change {
  // Few are restricted: no parent with such a child would ever be deleted.
  const restricted = luck.chance(0.15)
  const records = luck.several(() => ({ id: luck.id(), owner, [luck.of(['cascaded', 'nulled'])]: id }))
  if (restricted) records[0] = { id: luck.id(), owner, restricted: id }
  for (const row of records) state.child[row.id] = { ...row }
  return { name: 'insert children', request: { operation: 'insert', ...child, records } }
}

function moveParent({ luck, state }: Scene, id: string): Change {
  const moved = luck.id()
  const held = restrictedBy(state.child, id).length > 0
  state.parent[moved] = { ...state.parent[id]!, id: moved }
  delete state.parent[id]
  for (const row of Object.values(state.child)) {
    if (row['cascaded'] === id) row['cascaded'] = moved
    if (row['nulled'] === id) delete row['nulled']
  }
  return {
    name: 'move a parent',
    request: { operation: 'update', ...parent, ids: [id], set: { id: moved } },
    mustRefuse: held && 'record_referenced',
  }
}

function changeCode({ luck, state }: Scene, id: string): Change {
  const code = `code ${luck.id()}`
  state.parent[id] = { ...state.parent[id]!, code }
  return { name: 'change a unique value', request: { operation: 'update', ...parent, records: [{ id, code }] } }
}

function deleteParent({ luck, state }: Scene, id: string): Change {
  const holding = restrictedBy(state.child, id)
  const held = holding.length > 0
  if (held && luck.chance(0.5)) {
    for (const key of holding) delete state.child[key]
    return { name: 'delete children', request: { operation: 'delete', ...child, ids: holding } }
  }
  delete state.parent[id]
  for (const [key, row] of Object.entries(state.child)) {
    if (row['cascaded'] === id) delete state.child[key]
    else if (row['nulled'] === id) delete row['nulled']
  }
  return {
    name: 'delete a parent',
    request: { operation: 'delete', ...parent, ids: [id] },
    mustRefuse: held && 'record_referenced',
  }
}

function restrictedBy(children: Record<string, Row>, id: string): string[] {
  return Object.keys(children).filter((key) => children[key]!['restricted'] === id)
}
