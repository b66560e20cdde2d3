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
    this.#to.write(`\r\u001b[K${bar(share, rows, (now - this.#started) / 1000)}`)
  }

  end(): void {
    if (this.#shown > 0) this.#to.write('\r\u001b[K')
  }
}

/** [██████░░░░]  42 %  120,000 rows  61,000 rows/s */
export function bar(share: number, rows: number, seconds: number): string {
  const full = Math.round(Math.max(0, Math.min(1, share)) * WIDTH)
  const speed = Math.round(rows / Math.max(seconds, 0.001)).toLocaleString('en')
  const percent = `${Math.floor(Math.min(1, share) * 100)} %`.padStart(5)
  return `[${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}] ${percent}  ${rows.toLocaleString('en')} rows  ${speed} rows/s`
}
