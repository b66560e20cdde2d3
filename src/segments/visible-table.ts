import { ACTION_COLUMN, type EventColumn, type EventTable } from '../analytics/index.js'
import type { TableSchema } from '../catalog/index.js'
import { mayChangeStructure, nearest, Problem, type Rights, type View } from '../lib/index.js'
import { eventTableOf } from './event-table.js'
import type { ScriptLog } from './script-log.js'
import type { Asker, Maker } from './segment-definition.js'
import type { SegmentControl } from './segments.js'

/** Who asks, and how the work is stopped and watched. */
export interface QueryCall {
  readonly view: View
  readonly signal: AbortSignal
  /** Whose segments are stored; absent: the node's own. */
  readonly caller?: (Omit<Maker, 'mayBuild'> & { readonly rights: Rights }) | undefined
  /** Where log() of scripts writes. */
  readonly log?: ScriptLog
  /** Told now and then how many people were scanned. */
  readonly progress?: (people: number) => void
}

/** An event table as its caller sees it: what is hidden from them is unknown. */
export class VisibleTable {
  readonly table: EventTable
  /** The columns that the caller may see, beside the action, which every table has. */
  readonly columns: readonly EventColumn[]
  /** Who asks, as segments need it. */
  readonly asker: Asker
  /** The same, with what stops and watches the work. */
  readonly control: SegmentControl
  readonly #name: string

  /** @throws Problem table_not_events */
  constructor(
    schema: TableSchema,
    { view, caller, signal, progress, log }: Partial<QueryCall> & Pick<QueryCall, 'view'>,
  ) {
    const { database, name } = schema
    this.#name = name
    this.table = eventTableOf(schema)
    this.columns = this.table.columns.filter((column) => view.seesColumn(database, name, column.name))
    const seesAll = this.columns.length === this.table.columns.length
    this.asker = {
      columns: seesAll ? undefined : [...this.columns, ACTION_COLUMN].map((column) => column.name),
      maker: caller && {
        username: caller.username,
        since: caller.since,
        mayBuild: mayChangeStructure(caller.rights, database),
      },
    }
    this.control = { ...this.asker, ...(signal && { signal }), ...(progress && { progress }), ...(log && { log }) }
  }

  /** @throws Problem event_column_unknown */
  column(name: string): EventColumn {
    const columns = [...this.columns, ACTION_COLUMN]
    const column = columns.find((known) => known.name === name)
    if (column) return column
    const names = columns.map((known) => known.name)
    throw new Problem('event_column_unknown', { column: name, table: this.#name, suggestion: nearest(name, names) })
  }
}
