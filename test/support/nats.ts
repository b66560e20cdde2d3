import { execFileSync } from 'node:child_process'
import { createServer } from 'node:net'
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

/**
 * Ports that this process gives out: a range of its own, so that test files beside each other do not take the same ones,
 * below those that the system gives to connections.
 */
const FIRST_PORT = 10_000
const PORTS_OF_A_PROCESS = 100
const RANGES = 190
const firstOwn = FIRST_PORT + (process.pid % RANGES) * PORTS_OF_A_PROCESS
let given = 0

/** Ports on loopback that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = firstOwn + (given++ % PORTS_OF_A_PROCESS)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return await new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
