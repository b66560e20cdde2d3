/**
 * A signal that aborts with the first of several, until it is disposed of. `AbortSignal.any` leaves a bit on each of
 * them in Node.js 20: what joins the signal of a long life again and again grows for as long as that lives.
 */
export class JoinedSignal implements Disposable {
  readonly #controller = new AbortController()
  readonly #sources: readonly AbortSignal[]
  readonly #abort = () => this.#controller.abort(this.#sources.find(({ aborted }) => aborted)?.reason)

  constructor(...sources: readonly AbortSignal[]) {
    this.#sources = sources
    for (const source of sources) source.addEventListener('abort', this.#abort)
    if (sources.some(({ aborted }) => aborted)) this.#abort()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    for (const source of this.#sources) source.removeEventListener('abort', this.#abort)
  }
}
