/** Upper bounds of the buckets, in seconds. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const NAME = 'trellis_operation_seconds'
/** Printed and sent in one go, in characters: a tenth of a millisecond. */
const PIECE_LENGTH = 16_384
const HEAD = `# HELP ${NAME} Time of operations by name and status.\n# TYPE ${NAME} histogram\n`

/** The times of one operation that ended with one status. */
class Series {
  readonly #labels: string
  /** How many took at most so long, and longer than the bound before; the last counts what is above all bounds. */
  readonly #counts = new Float64Array(SECONDS.length + 1)
  /** Beginnings of its lines. */
  readonly #lines: readonly string[]
  #sum = 0

  constructor(operation: string, status: number) {
    this.#labels = `operation="${operation}",status="${status}"`
    this.#lines = [...SECONDS, '+Inf'].map((bound) => `${NAME}_bucket{le="${bound}",${this.#labels}} `)
  }

  add(seconds: number): void {
    let bucket = 0
    while (bucket < SECONDS.length && seconds > SECONDS[bucket]!) bucket++
    this.#counts[bucket]!++
    this.#sum += seconds
  }

  print(): string {
    let text = ''
    let count = 0
    for (const [bucket, line] of this.#lines.entries()) {
      count += this.#counts[bucket]!
      text += `${line}${count}\n`
    }
    return `${text}${NAME}_sum{${this.#labels}} ${this.#sum}\n${NAME}_count{${this.#labels}} ${count}\n`
  }
}

/**
 * Times of operations by name and status, as a histogram of Prometheus. Not one of prom-client: a hundred operations
 * with their statuses are thousands of lines, which it prints in one go of 10 ms while everybody waits.
 */
export class OperationTimes {
  readonly #series = new Map<string, Series>()

  add(operation: string, status: number, seconds: number): void {
    const key = `${operation} ${status}`
    let series = this.#series.get(key)
    if (!series) this.#series.set(key, (series = new Series(operation, status)))
    series.add(seconds)
  }

  /** The lines of Prometheus' text format, in pieces. */
  *print(): Generator<string> {
    let piece = HEAD
    for (const series of this.#series.values()) {
      piece += series.print()
      if (piece.length < PIECE_LENGTH) continue
      yield piece
      piece = ''
    }
    yield piece
  }
}
