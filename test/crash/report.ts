/** What a crash trial has seen. */
export class Report {
  readonly failures: string[] = []
  readonly counts = {
    kills: 0,
    acknowledged: 0,
    refused: 0,
    /** Changes that were under way at a kill, of these what was stored and what was not; and those sent again. */
    unknown: 0,
    stored: 0,
    notStored: 0,
    repeated: 0,
    /** Changes sent twice with one key while the node was up. */
    twice: 0,
    jobs: 0,
    rowsCompared: 0,
  }
  readonly #acknowledged = new Map<string, number>()
  readonly #say: (line: string) => void

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  fail(text: string): void {
    this.failures.push(text.slice(0, 2_000))
    this.#say(`FAILED: ${text.slice(0, 2_000)}`)
  }

  say(): void {
    this.#say(JSON.stringify(this.counts))
  }

  acknowledged(name: string): void {
    this.counts.acknowledged++
    this.#acknowledged.set(name, (this.#acknowledged.get(name) ?? 0) + 1)
  }

  /** How many changes of each kind were acknowledged. */
  get kinds(): Record<string, number> {
    return Object.fromEntries([...this.#acknowledged].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

export function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, 600)
}
