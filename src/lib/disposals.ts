/** Things to dispose of in the reverse of the order in which they were made (Node 20 has no AsyncDisposableStack). */
export class Disposals implements AsyncDisposable {
  #undo: (() => void | PromiseLike<void>)[] = []

  /** Takes ownership of a resource and hands it on. */
  use<Resource extends Disposable | AsyncDisposable>(resource: Resource): Resource {
    this.defer(() => (Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose]()))
    return resource
  }

  /** Runs a step at disposal. */
  defer(step: () => void | PromiseLike<void>): void {
    this.#undo.push(step)
  }

  /** Hands everything over to a new owner: this one has nothing left to dispose of. */
  move(): Disposals {
    const owner = new Disposals()
    owner.#undo = this.#undo
    this.#undo = []
    return owner
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = []
    for (let step = this.#undo.pop(); step; step = this.#undo.pop())
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, 'several resources could not be closed')
  }
}
