const WIDTH = 30
const EVERY_MS = 100

/** A line that shows how far something is, on a terminal; nothing elsewhere. */
export class Progress {
  readonly #to: NodeJS.WriteStream
  readonly #started = performance.now()
  #shown = 0

  constructor(to: NodeJS.WriteStream) {
    this.#to = to
  }

  show({ share, rows }: { share: number; rows: number }): void {
    const now = performance.now()
    if (!this.#to.isTTY || (now - this.#shown < EVERY_MS && share < 1)) return
    this.#shown = now
    this.#to.write(`\r\u001b[K${bar(share, rows, (now - this.#started) / 1000, this.#to.columns)}`)
  }

  end(): void {
    if (this.#shown > 0) this.#to.write('\r\u001b[K')
  }
}

/** [██████░░░░]  42 %  120,000 rows  61,000 rows/s: shorter on a narrow terminal, where a second line would stay. */
export function bar(share: number, rows: number, seconds: number, columns = Number.POSITIVE_INFINITY): string {
  const speed = Math.round(rows / Math.max(seconds, 0.001)).toLocaleString('en')
  const percent = `${Math.floor(Math.min(1, share) * 100)} %`.padStart(5)
  const figures = `${percent}  ${rows.toLocaleString('en')} rows  ${speed} rows/s`
  const width = Math.min(WIDTH, columns - figures.length - '[] '.length - 1)
  if (width < 1) return figures.slice(0, columns - 1)
  const full = Math.round(Math.max(0, Math.min(1, share)) * width)
  return `[${'█'.repeat(full)}${'░'.repeat(width - full)}] ${figures}`
}
