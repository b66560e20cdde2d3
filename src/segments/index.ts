// segments owns the questions asked of event tables, and the named populations of people that they define and use.
import { EventStore, type StoreSettings } from '../analytics/index.js'
import type { TableSchema } from '../catalog/index.js'
import { Compile, type CompileSettings } from './compile.js'
import { eventTableOf } from './event-table.js'
import { Events } from './events.js'
import { Segments } from './segments.js'

export { Events, type QueryCall } from './events.js'

export interface EventsOptions {
  readonly folder: string
  readonly store: StoreSettings
  /** Worker threads; undefined: one for each core. */
  readonly workers?: number
  readonly compile: CompileSettings
  readonly segmentsMax: number
  /** The event tables that there are. */
  readonly tables: readonly TableSchema[]
  /** Told what the background could not do. */
  readonly onError: (error: unknown) => void
}

/** Opens the event data of a node. */
export async function openEvents(options: EventsOptions): Promise<Events> {
  const { folder, store: settings, workers, tables } = options
  const store = await EventStore.open(
    { folder, settings, ...(workers !== undefined && { workers }) },
    tables.map(eventTableOf),
  )
  const compile = new Compile(options.compile)
  const events = new Events(store, new Segments(store, compile, options.segmentsMax, options.onError), compile)
  for (const table of tables) await events.load(table)
  return events
}
