import { execFileSync } from 'node:child_process'
import { createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'

let path: string | undefined

/** A nats-server for tests, fetched once per checkout. */
export function natsServer(): string {
  path ??= execFileSync(fileURLToPath(new URL('../../../scripts/ensure-nats-server', import.meta.url)), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim()
  return path
}

/** Where ports are given out: below those that the system gives to connections. */
const FIRST_PORT = 10_000
const PORTS_OF_A_PROCESS = 100
const RANGES = 190
let range: Promise<number> | undefined
let given = 0

/** Ports on loopback that nobody listens on now, and that no other process of tests gives out. */
export async function freePorts(count: number): Promise<number[]> {
  range ??= claimRange()
  const first = await range
  const ports: number[] = []
  while (ports.length < count) {
    const port = first + 1 + (given++ % (PORTS_OF_A_PROCESS - 1))
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

/** Takes a range for this process: for as long as it runs it listens on the first port of it. */
async function claimRange(): Promise<number> {
  for (let tries = 0; tries < RANGES; tries++) {
    const first = FIRST_PORT + ((process.pid + tries) % RANGES) * PORTS_OF_A_PROCESS
    const server = await listenOn(first)
    if (server) {
      server.unref()
      return first
    }
  }
  throw new Error('every range of ports is taken')
}

async function isFree(port: number): Promise<boolean> {
  const server = await listenOn(port)
  if (server) await new Promise((resolve) => server.close(resolve))
  return server !== undefined
}

function listenOn(port: number): Promise<Server | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
