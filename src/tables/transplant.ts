import { setImmediate as turn } from 'node:timers/promises'
import type { TableSchema } from '../catalog/index.js'
import { afterPrefix, encodeId, type Keyspace, type Storage } from '../storage/index.js'
import { openKeyspaces } from './layout.js'

/** Characters that are copied in one transaction. */
const STEP_CHARACTERS = 1 << 20

export interface Transplant {
  from: Storage
  to: Storage
  /** The table as it is there, and as it will be here: the same columns in the same order under other numbers. */
  source: TableSchema
  target: TableSchema
  signal: AbortSignal
  /** Told how many records were copied since the last time. */
  onRecords: (records: number) => void
}

/**
 * Copies a table of records from another folder as it is stored: versions, times and indexes stay what they were. The
 * target's numbers must be new, so that nobody sees anything before the schema is adopted. Tombstones stay behind.
 */
export async function transplant({ from, to, source, target, signal, onRecords }: Transplant): Promise<void> {
  const [there, here] = [openKeyspaces(from), openKeyspaces(to)]
  using snapshot = from.snapshot()
  const copy = async (space: 'records' | 'indexes' | 'uniques' | 'counts', oldId: number, newId: number) => {
    const [old, now] = [encodeId(oldId), encodeId(newId)]
    let step: [string, string][] = []
    let characters = 0
    const flush = async () => {
      const entries = step
      step = []
      characters = 0
      signal.throwIfAborted()
      await to.write((transaction) => {
        for (const [key, value] of entries) transaction.put(here[space] as Keyspace, key, value)
      })
      if (space === 'records') onRecords(entries.length)
      await turn()
    }
    for (const [key, value] of snapshot.entries(there[space], { start: old, end: afterPrefix(old) })) {
      step.push([now + key.slice(old.length), value])
      characters += key.length + value.length
      if (characters >= STEP_CHARACTERS) await flush()
    }
    if (step.length > 0) await flush()
  }
  await copy('records', source.id, target.id)
  await copy('counts', source.id, target.id)
  for (const [index, { id }] of source.columns.entries())
    for (const space of ['indexes', 'uniques', 'counts'] as const) await copy(space, id, target.columns[index]!.id)
}
