import {
  closeSync,
  createWriteStream,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  type WriteStream,
} from 'node:fs'
import { Usage } from './failures.js'

/** The file of an answer: only its owner reads it, and it appears under its name when all of the answer is there. */
export class OutputFile {
  readonly #path: string
  /** Undefined: what has the name stays what it is, as a link, a pipe or /dev/null. */
  readonly #partial: string | undefined
  readonly #fd: number

  constructor(path: string) {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found?.isDirectory()) throw new Usage(`${path} is a folder: name a file in it.`)
    this.#path = path
    this.#partial = !found || found.isFile() ? `${path}.part` : undefined
    if (this.#partial === undefined) this.#fd = openSync(path, 'w')
    else {
      // Not what somebody else has put there: it would be theirs to read.
      rmSync(this.#partial, { force: true })
      this.#fd = openSync(this.#partial, 'wx', 0o600)
    }
  }

  stream(): WriteStream {
    return createWriteStream('', { fd: this.#fd, autoClose: false })
  }

  /** Answers how many bytes there are. */
  finish(): number {
    const { size } = fstatSync(this.#fd)
    closeSync(this.#fd)
    if (this.#partial !== undefined) renameSync(this.#partial, this.#path)
    return size
  }

  abandon(): void {
    if (this.#partial !== undefined) rmSync(this.#partial, { force: true })
  }
}
