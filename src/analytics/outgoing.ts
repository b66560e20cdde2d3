import type { BinaryEnvironment, Write } from '../storage/index.js'
import { Kind, key, kindStart, majorOf, minorOf } from './keys.js'

/** Which inserts of a table are kept for other nodes: none, those made here, or also those that came from others. */
export type Sharing = 'none' | 'own' | 'all'

/** Rows that wait to be sent to other nodes. */
export interface Note {
  readonly key: Buffer
  /** The node where they were inserted first; empty: this one. */
  readonly origin: string
  /** Events in JSON, with commas between. */
  readonly text: string
}

const NOTE_CHARACTERS_MAX = 256 * 1024

/**
 * Accepted rows of a table that other nodes are to have: written with the rows, in one environment, and removed when
 * they stand in the change log.
 */
export class Outgoing {
  readonly #environment: BinaryEnvironment
  readonly #table: number
  #next = 0

  constructor(environment: BinaryEnvironment, table: number) {
    this.#environment = environment
    this.#table = table
    for (const stored of environment.keys(...this.#range())) this.#next = numberOf(stored) + 1
  }

  /** The writes that note rows. */
  note(origin: string, texts: readonly string[]): Write[] {
    const writes: Write[] = []
    let open = ''
    const close = () => {
      if (open !== '') writes.push([this.#key(this.#next++), Buffer.from(`${origin}\n${open}`)])
      open = ''
    }
    for (const text of texts) {
      if (open.length + text.length > NOTE_CHARACTERS_MAX) close()
      open += open === '' ? text : `,${text}`
    }
    close()
    return writes
  }

  *oldest(): Iterable<Note> {
    for (const { key: at, value } of this.#environment.range(...this.#range())) {
      const stored = value.toString()
      const end = stored.indexOf('\n')
      yield { key: Buffer.from(at), origin: stored.slice(0, end), text: stored.slice(end + 1) }
    }
  }

  #key(number: number): Buffer {
    return key(this.#table, 0, Kind.outgoing, Math.floor(number / 2 ** 32), number >>> 0)
  }

  #range(): [Buffer, Buffer] {
    return [kindStart(this.#table, 0, Kind.outgoing), kindStart(this.#table, 0, Kind.outgoing + 1)]
  }
}

/** Kept with the data, so that no insert is missed after a start. */
export function sharingOf(environment: BinaryEnvironment, table: number): Sharing {
  return (environment.get(sharingKey(table))?.toString() ?? 'none') as Sharing
}

export function sharingWrite(table: number, sharing: Sharing): Write {
  return [sharingKey(table), sharing === 'none' ? undefined : Buffer.from(sharing)]
}

const sharingKey = (table: number) => key(table, 0, Kind.sharing)

function numberOf(stored: Buffer): number {
  return majorOf(stored) * 2 ** 32 + minorOf(stored)
}
