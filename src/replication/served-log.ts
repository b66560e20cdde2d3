import type { Catalog } from '../catalog/index.js'
import { PrintedJson } from '../mesh/index.js'
import { type ChangeLog, isSameTransaction, type RawEntry } from '../tables/index.js'
import type { PeerStore } from './peers.js'
import { stateOf } from './table-state.js'
import { PAGE_CHARACTERS_MAX, type TableName } from './wire.js'

const SCAN_MAX = 2_000
const SCAN_CHARACTERS_MAX = 8 * 1024 * 1024
const BEHIND_MAX = 10_000
const BEHIND_CHARACTERS_MAX = 32 * 1024 * 1024

export interface ServedLogOptions {
  nodeName: string
  peers: PeerStore
  catalog: Catalog
  changes: ChangeLog
  incarnation: string
  /** Whether changes of other nodes are passed on. */
  republish: boolean
  /** Whether the entry goes out to others at all. */
  ships: (entry: RawEntry) => boolean
}

/** A table that has changes for whoever asks. */
export interface Wanted {
  /** Its place in the request. */
  of: number
  name: TableName
  /** The entry behind which they are. */
  place: number
}

/** The change log, as peers ask for it. */
export class ServedLog {
  readonly #options: ServedLogOptions

  constructor(options: ServedLogOptions) {
    this.#options = options
  }

  /** Whether the log still has all that is to go out of a table behind a place. */
  reachesBack(tableId: number, place: number): boolean {
    const { changes, nodeName, republish } = this.#options
    return changes.removedUpTo(tableId, republish ? undefined : nodeName) <= place
  }

  /** Whether a table has nothing behind a place, told by its newest entry instead of a walk through all others. */
  isQuiet(tableId: number, place: number): boolean {
    const { changes, republish } = this.#options
    if (republish) return false // Changes of other nodes do not come in the order of their times.
    const newest = changes.read({ tableId, limit: 1, reverse: true }).next().value
    return !newest || newest.sequence <= place
  }

  /**
   * The changes of tables, by their ids, behind their places: an answer to "changes". It ends with a whole transaction.
   * @param left tables of the request that the answer holds nothing of
   */
  page(wanted: ReadonlyMap<number, Wanted>, left: { gone: number[]; unshared: number[] }): PrintedJson {
    const { catalog, changes, incarnation, peers, ships } = this.#options
    const names = new Set<TableName>()
    const entries: string[] = []
    let upTo = changes.committed()
    let more = false
    let shown = 0
    let scanned = 0
    let characters = 0
    let last: RawEntry | undefined
    const from = Math.min(...[...wanted.values()].map(({ place }) => place))
    for (const entry of wanted.size > 0 ? changes.walk(from) : []) {
      const isFull = scanned >= SCAN_MAX || characters > SCAN_CHARACTERS_MAX || shown > PAGE_CHARACTERS_MAX
      if (isFull && last && !isSameTransaction(last, entry)) {
        upTo = last.sequence
        more = true
        break
      }
      scanned++
      characters += entry.json.length
      last = entry
      const table = wanted.get(entry.tableId)
      if (!table || table.place >= entry.sequence || !ships(entry)) continue
      entries.push(`{"of":${table.of},"sequence":${entry.sequence},${entry.json.slice(1)}`)
      shown += entry.json.length
      names.add(table.name)
    }
    const states = [...names].map((name) => stateOf(catalog, peers, name))
    const rest = JSON.stringify({ incarnation, upTo, more, ...left, states })
    return new PrintedJson(`${rest.slice(0, -1)},"entries":[${entries.join(',')}]}`)
  }

  /** How much of a table is to go out behind a place: entries, as far as they are counted, and the age of the oldest. */
  behind(tableId: number, place: number): { entries: number; seconds: number } {
    const { changes, ships } = this.#options
    if (this.isQuiet(tableId, place)) return { entries: 0, seconds: 0 }
    let entries = 0
    let oldest: number | undefined
    let seen = 0
    let characters = 0
    for (const entry of changes.walk(place)) {
      if (seen++ === BEHIND_MAX || characters > BEHIND_CHARACTERS_MAX) break
      characters += entry.json.length
      if (entry.tableId !== tableId || !ships(entry)) continue
      entries++
      oldest ??= entry.time
    }
    return { entries, seconds: oldest === undefined ? 0 : Math.max(0, Math.round((Date.now() - oldest) / 10) / 100) }
  }
}
