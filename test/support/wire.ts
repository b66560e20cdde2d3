import { createServer, connect as dial, type Server, type Socket } from 'node:net'

/** How a way is cut: packets vanish and nobody is told, or whoever dials is refused and who was connected is told. */
export type Cut = 'black hole' | 'refused'

interface Pipe {
  dialer: Socket
  listener: Socket
  /** The node that dialed, once it has said who it is. */
  from: string | undefined
}

/** Who dials: hubs introduce themselves with their name. */
const HUB_NAME = /"server_name":"hub-([A-Za-z0-9_-]+)"/
const INTRODUCTION_BYTES_MAX = 64 * 1024

/**
 * The only way to a node's hub: listens where the others look for it, and passes on what they send. It knows who dials,
 * so that the way between two nodes can be cut and others stay open.
 */
export class Wire implements AsyncDisposable {
  readonly #server: Server
  readonly #target: { host: string; port: number }
  readonly #pipes = new Set<Pipe>()
  readonly #cuts = new Map<string, Cut>()

  private constructor(target: { host: string; port: number }) {
    this.#target = target
    this.#server = createServer((dialer) => this.#take(dialer))
  }

  /** @param target where the hub itself listens, unknown to the others */
  static async open(host: string, port: number, target: { host: string; port: number }): Promise<Wire> {
    const wire = new Wire(target)
    await new Promise<void>((resolve, reject) => {
      wire.#server.once('error', reject)
      wire.#server.listen(port, host, resolve)
    })
    return wire
  }

  /** Cuts the way that these nodes dial. */
  cut(from: readonly string[], how: Cut): void {
    for (const name of from) this.#cuts.set(name, how)
    for (const pipe of this.#pipes) this.#judge(pipe)
  }

  /** Opens the way again; connections from before the cut are broken by then. */
  heal(): void {
    const cut = new Set(this.#cuts.keys())
    this.#cuts.clear()
    for (const pipe of this.#pipes) if (pipe.from !== undefined && cut.has(pipe.from)) end(pipe)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pipe of this.#pipes) end(pipe)
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #take(dialer: Socket): void {
    const listener = dial(this.#target)
    const pipe: Pipe = { dialer, listener, from: undefined }
    this.#pipes.add(pipe)
    for (const socket of [dialer, listener]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#pipes.delete(pipe)
        end(pipe)
      })
    }
    // The listener greets first, and then the dialer says who it is: nothing of it passes before.
    listener.pipe(dialer)
    let heard = Buffer.alloc(0)
    const listen = (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk])
      pipe.from = HUB_NAME.exec(heard.toString('latin1'))?.[1]
      if (pipe.from === undefined) {
        if (heard.length > INTRODUCTION_BYTES_MAX) end(pipe)
        return
      }
      dialer.off('data', listen)
      listener.write(heard)
      dialer.pipe(listener)
      this.#judge(pipe)
    }
    dialer.on('data', listen)
  }

  /** In a black hole the sockets stay, and nobody reads them. */
  #judge(pipe: Pipe): void {
    const how = pipe.from === undefined ? undefined : this.#cuts.get(pipe.from)
    if (how === 'refused') end(pipe)
    if (how !== 'black hole') return
    for (const socket of [pipe.dialer, pipe.listener]) {
      socket.unpipe()
      socket.pause()
    }
  }
}

function end({ dialer, listener }: Pipe): void {
  dialer.destroy()
  listener.destroy()
}
