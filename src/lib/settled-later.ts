/** A promise that somebody else keeps or breaks: each who awaits it is told, and it may be that nobody does. */
export class SettledLater {
  readonly done: Promise<void>
  resolve!: () => void
  reject!: (reason: unknown) => void

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    this.done.catch(() => {}) // else a rejection that nobody awaits would end the process
  }
}
