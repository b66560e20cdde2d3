import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from './eventually.js'

export interface Received {
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly messages: { stamp: number; stamp_iso: string; uid: string | number; message: unknown; method: string }[]
}

/** A real web-hook on a free port of this machine. */
export interface Hook extends AsyncDisposable {
  readonly port: number
  readonly calls: Received[]
  /** All messages that it took, in the order in which they came. */
  readonly taken: Received['messages']
  /** What it answers from now on; 0: it does not answer at all. */
  status: number
  /** Waits until it took so many messages. */
  until(count: number): Promise<void>
}

export async function openHook(port = 0): Promise<Hook> {
  const calls: Received[] = []
  const taken: Received['messages'] = []
  const hook = { status: 204 }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      const messages = (JSON.parse(text) as Partial<Received>).messages ?? []
      calls.push({ url: new URL(request.url!, 'http://hook'), headers: request.headers, text, messages })
      if (hook.status === 0) return
      if (hook.status < 300) taken.push(...messages)
      if (hook.status >= 300 && hook.status < 400) response.setHeader('location', 'http://169.254.169.254/')
      response.writeHead(hook.status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return Object.assign(hook, {
    port: (server.address() as AddressInfo).port,
    calls,
    taken,
    until: (count: number) => eventually(`the hook has taken ${count} messages`, () => taken.length >= count),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
