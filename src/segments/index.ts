// segments owns the questions asked of event tables, and the named populations of people that they define and use.
import { availableParallelism } from 'node:os'
import { EventStore } from '../analytics/index.js'
import type { TableSchema } from '../catalog/index.js'
import type { Problem } from '../lib/index.js'
import { Compile } from './compile.js'
import { eventTableOf } from './event-table.js'
import { Events, type EventsObserver } from './events.js'
import { compileSettingsOf, type EventsSettings, storeSettingsOf } from './options.js'
import { Segments } from './segments.js'

export { EventQueries } from './event-queries.js'
export { Events, type EventsObserver } from './events.js'
export type { QueryCall } from './visible-table.js'

export interface EventsOptions {
  readonly folder: string
  readonly settings: EventsSettings
  /** How long a repeat of an insert is answered as the first time. */
  readonly replayLifeMs: number
  /** The event tables that there are. */
  readonly tables: readonly TableSchema[]
  readonly observer?: EventsObserver
  /** Told what the background could not do. */
  readonly onError: (error: unknown) => void
  /** Told once when events are not taken any more, and why. */
  readonly onFailure?: (failure: Problem) => void
}

/** Opens the event data of a node. */
export async function openEvents({
  folder,
  settings,
  replayLifeMs,
  tables,
  observer,
  onError,
  onFailure,
}: EventsOptions): Promise<Events> {
  const workers = settings.workers || availableParallelism()
  const store = await EventStore.open(
    {
      ...{ folder, settings: storeSettingsOf(settings, workers, replayLifeMs), workers },
      ...(onFailure && { onFailure }),
      ...(observer && { onScan: (kind, people) => observer.scanned(kind, people) }),
    },
    tables.map(eventTableOf),
  )
  const compile = new Compile(compileSettingsOf(settings))
  const segmentsMax = settings.segments_max
  const expiredKeepMs = settings.expired_segment_keep_ms
  const events = new Events({
    store,
    segments: new Segments(store, compile, { segmentsMax, expiredKeepMs, onError }),
    compile,
    partitions: partitionsOf(settings),
    rowsPerEventMax: settings.rows_per_event_max,
    observer,
  })
  for (const table of tables) await events.load(table)
  return events
}

/** Two for each core, at least eight, unless the settings say it. */
function partitionsOf({ partitions }: EventsSettings): number {
  return partitions || Math.max(8, 2 * availableParallelism())
}
