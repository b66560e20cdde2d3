import { connect, type Socket } from 'node:net'

/** The node closes connections that rest: one that has rested for so long, in milliseconds, is made anew before it does. */
const REST_MS = 1_000
const HEAD_END = '\r\n\r\n'

/**
 * One kept connection that asks one question after the other: of a question of a millisecond a whole HTTP client would
 * be a tenth or more, and that is not what is measured.
 */
export class Connection {
  readonly #url: URL
  readonly #headers: string
  #socket: Socket | undefined
  #usedAt = 0
  #chunks: Buffer[] = []
  #answered: ((answer: Buffer) => void) | undefined
  #failed: ((reason: Error) => void) | undefined

  constructor(url: URL, headers: Record<string, string>) {
    this.#url = url
    this.#headers = Object.entries({ host: url.hostname, ...headers })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')
  }

  /** The status and the text of the answer. */
  async send(method: string, path: string, body: string | undefined, type: string): Promise<[number, string]> {
    const sent = body === undefined ? '' : `content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
    const answer = await new Promise<Buffer>((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
      this.#open().write(`${method} ${path} HTTP/1.1\r\n${this.#headers}${sent}\r\n${body ?? ''}`)
    })
    return [
      Number(answer.toString('latin1', 9, 12)),
      answer.toString('utf8', answer.indexOf(HEAD_END) + HEAD_END.length),
    ]
  }

  close(): void {
    this.#failed = undefined
    this.#socket?.destroy()
  }

  #open(): Socket {
    if (this.#socket && performance.now() - this.#usedAt < REST_MS) return this.#socket
    this.#socket?.removeAllListeners().destroy()
    this.#socket = connect(Number(this.#url.port), this.#url.hostname)
      .setNoDelay(true)
      .on('data', (chunk: Buffer) => this.#receive(chunk))
      .on('error', (error) => this.#failed?.(error))
      .on('close', () => this.#failed?.(new Error('the node closed the connection')))
    return this.#socket
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    const head = (this.#chunks.length === 1 ? chunk : (this.#chunks[0] as Buffer)).toString('latin1', 0, 4096)
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)
    if (!length || !head.includes(HEAD_END)) {
      this.#failed?.(new Error('the answer has no length'))
      return
    }
    const whole = head.indexOf(HEAD_END) + HEAD_END.length + Number(length[1])
    if (this.#chunks.reduce((sum, { byteLength }) => sum + byteLength, 0) < whole) return
    const answer = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#answered?.(answer)
  }
}
