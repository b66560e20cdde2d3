// One page of a result as JSON text, written row by row until it is full, or a piece of text is, or a slice of time is.
import { Problem } from '../../lib/index.js'
import type { Slices } from './budget.js'
import type { Position } from './cursor.js'
import type { Frame } from './scope.js'
import type { Stage } from './walk.js'

/** Text is handed on in pieces of about this many characters. */
const PIECE = 65_536
/** Rows between two looks at the clock. */
const STEPS = 32

export interface PageOptions {
  readonly stage: Stage
  readonly frame: Frame
  /** The frame as JSON text. */
  readonly write: (frame: Frame) => string
  /** Stands between two rows. */
  readonly separator: string
  readonly offset: number
  readonly limit: number
  /** Where the frame is, asked for at the last row; absent: nobody wants to know whether there is more. */
  readonly positionOf?: (() => Position) | undefined
}

export class Page {
  text = ''
  /** Set when there are more rows than the limit. */
  isCut = false
  /** Where the page ended. */
  last: Position | undefined
  readonly #options: PageOptions
  readonly #rows: Iterator<boolean>
  #skipped = 0
  #written = 0
  #steps = 0

  constructor(options: PageOptions) {
    this.#options = options
    this.#rows = options.stage[Symbol.iterator]()
  }

  /** Writes on. `piece`: take the text; `rest`: let others run; `end`: the page is written. */
  fill(slices: Slices): 'piece' | 'rest' | 'end' {
    for (;;) {
      const { done, value: ready } = this.#rows.next()
      if (done) return 'end'
      if (ready && this.#take()) {
        this.close()
        return 'end'
      }
      if (this.text.length >= PIECE) return 'piece'
      if ((!ready || ++this.#steps % STEPS === 0) && slices.over) return 'rest'
    }
  }

  /** Takes the row in the frame; true when the page ends with it. */
  #take(): boolean {
    const { frame, write, separator, offset, limit, positionOf } = this.#options
    if (this.#skipped < offset) {
      this.#skipped++
      return false
    }
    if (this.#written >= limit) {
      this.isCut = true
      return true
    }
    this.text += this.#written++ === 0 ? write(frame) : separator + write(frame)
    if (this.#written < limit) return false
    this.last = positionOf?.()
    return positionOf === undefined
  }

  /** Lets go of what the stages hold. */
  close(): void {
    this.#rows.return?.()
  }
}

/** @throws Problem query_too_large */
export function rowsWanted(
  { limit }: { limit?: number },
  { result_rows_max: most }: { result_rows_max: number },
): number {
  if (limit === undefined) return most
  if (limit > most) throw tooManyRows(most)
  return limit
}

export function tooManyRows(limit: number): Problem {
  return new Problem('query_too_large', { what: 'rows in one answer', limit, setting: 'select.result_rows_max' })
}
