import { Writable } from 'node:stream'

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** A line of the log, read again. */
export interface LogLine {
  /** ISO 8601. */
  timestamp: string
  level: string
  message: string
  /** What else the line says. */
  fields: Record<string, unknown>
}

/** Keeps the newest lines of the log in memory; a destination beside the real one. A write may hold several lines. */
export class LogTail extends Writable {
  readonly #lines: string[] = []
  readonly #most: number
  #next = 0

  constructor(most: number) {
    super({ decodeStrings: false })
    this.#most = most
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    for (const line of chunk.toString().split('\n')) if (line !== '') this.#keep(line)
    done()
  }

  #keep(line: string): void {
    this.#lines[this.#next] = line
    this.#next = (this.#next + 1) % this.#most
  }

  /** The lines that are kept, newest first. */
  *read(): Generator<LogLine> {
    for (let back = 1; back <= this.#lines.length; back++) {
      const text = this.#lines[(this.#next - back + this.#lines.length) % this.#lines.length]!
      const { level, time, msg, ...fields } = JSON.parse(text) as Record<string, unknown>
      yield {
        timestamp: typeof time === 'number' ? new Date(time).toISOString() : String(time),
        level: LEVELS[Number(level)] ?? String(level),
        message: String(msg ?? ''),
        fields,
      }
    }
  }
}
