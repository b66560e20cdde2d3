import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Client, connect } from '../../src/client/index.js'
import { ADMIN } from './node.js'

const main = fileURLToPath(new URL('../../src/main.js', import.meta.url))

/** A node as a process of its own, which a test may kill. */
export interface KillableNode extends AsyncDisposable {
  readonly client: Client
  readonly url: string
  readonly child: ChildProcess
  /** All that it has written to standard error. */
  errors(): string
  /** Ends the process at once, as a power cut would. */
  kill(): Promise<void>
}

/** Starts a node on a folder that stays; the signal kills it, even while it starts. */
export async function startKillable(
  folder: string,
  environment: Record<string, string> = {},
  program = main,
  signal?: AbortSignal,
): Promise<KillableNode> {
  const child = spawn(process.execPath, [program], {
    env: {
      PATH: process.env['PATH'],
      TRELLIS_DATA_DIR: folder,
      TRELLIS_HTTP_PORT: '0',
      TRELLIS_ADMIN_PASSWORD: ADMIN.password,
      TRELLIS_ACCESS_PASSWORD_HASH_PASSES: '1',
      TRELLIS_LOG_LEVEL: 'silent',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  signal?.addEventListener('abort', () => child.kill('SIGKILL'))
  let errors = ''
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const end = async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  try {
    const url = await ready(child, () => errors)
    const client = connect({ url, ...ADMIN })
    return { url, client, child, errors: () => errors, kill: end, [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}

async function ready(child: ChildProcess, errors: () => string): Promise<string> {
  let output = ''
  for await (const chunk of child.stdout!) {
    output += String(chunk)
    const url = /^TrellisDB ready on (\S+)$/m.exec(output)?.[1]
    if (url) {
      child.stdout!.on('data', () => {}) // what comes later is not to fill the pipe
      return url
    }
  }
  throw new Error(`the node did not start: ${errors()}`)
}
