import type { Catalog } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import type { Mesh } from '../mesh/index.js'
import type { Tables } from '../tables/index.js'
import { EventComparison } from './event-comparison.js'
import type { SharedEvents } from './event-outbox.js'
import { isCopyPage, nameOf, type TableName, type TableState } from './wire.js'
import type { Wanted } from './wish.js'

/** What a full copy would do here. */
export interface CopyPreview extends TableName {
  /** Rows that would come or change. */
  rows: number
  /** Rows that are the same. */
  known: number
  /** Rows of which a later version is here, and stays. */
  kept: number
}

export interface PreviewOptions {
  mesh: Mesh
  catalog: Catalog
  tables: Tables
  events: SharedEvents
}

/** What is asked of a node, and what it says of its tables. */
export interface Previewed {
  node: string
  wanted: readonly Wanted[]
  states: ReadonlyMap<string, TableState>
}

/** Reads what a copy would bring, and counts. */
export async function previewCopies(
  { catalog, events, mesh, tables }: PreviewOptions,
  { node, states, wanted }: Previewed,
  timeoutMs: number,
): Promise<CopyPreview[]> {
  const previews: CopyPreview[] = []
  for (const { database, subscribe, table } of wanted) {
    if (!subscribe) continue
    const schema = catalog.find(database, table)
    const preview = { database, table, rows: 0, known: 0, kept: 0 }
    const there = states.get(nameOf({ database, table }))?.schema
    if (there?.kind === 'events') {
      const comparison = new EventComparison({
        mesh,
        events,
        node,
        table: { database, table },
        schema,
        timeoutMs,
        preview: true,
      })
      previews.push({ ...preview, ...(await comparison.preview()) })
      continue
    }
    for (let cursor: string | undefined, more = there !== undefined; more; ) {
      const asked = { database, table, preview: true, ...(cursor === undefined ? {} : { cursor }) }
      const page: unknown = await mesh.requests.ask(node, 'copy', asked, timeoutMs)
      if (!isCopyPage(page)) throw new Problem('node_answer_refused', { node })
      for (const row of page.rows) {
        const outcome = schema ? tables.replica.judge(schema, row) : 'applied'
        preview[outcome === 'applied' ? 'rows' : outcome === 'known' ? 'known' : 'kept']++
      }
      cursor = page.cursor
      more = cursor !== undefined
    }
    previews.push(preview)
  }
  return previews
}
