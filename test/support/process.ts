import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ADMIN } from './node.js'

const main = fileURLToPath(new URL('../../src/main.js', import.meta.url))

/** A node in a process of its own. */
export interface NodeProcess {
  readonly url: string
  readonly folder: string
  readonly child: ChildProcess
  /** All that it has written: the log and the greeting. */
  readonly output: { out: string; err: string }
  /** Memory that is its own, without file pages: RssAnon, in bytes. */
  memory(): number
  /** Processor time since its start, in seconds. */
  processorSeconds(): number
}

const CLOCK_TICKS_PER_SECOND = 100

/** Starts a node as a process in a temporary folder, hands it to the test, and ends it whatever happens. */
export async function withProcess<Result>(
  test: (node: NodeProcess) => Promise<Result>,
  settings: Record<string, string> = {},
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-process-'))
  const all = {
    data_dir: folder,
    'http.port': '0',
    'admin.password': ADMIN.password,
    'access.password_hash_passes': '1',
    'log.level': 'warn',
    ...settings,
  }
  const child = spawn(process.execPath, [main, ...Object.entries(all).map(([path, value]) => `--${path}=${value}`)], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()))
  try {
    const url = await ready(child, output)
    return await test({
      url,
      folder,
      child,
      output,
      memory: () => Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) * 1024,
      processorSeconds: () => {
        const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
        return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
      },
    })
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
}

async function ready(child: ChildProcess, output: { out: string; err: string }): Promise<string> {
  for (let waited = 0; waited < 120_000; waited += 20) {
    const url = /TrellisDB ready on (\S+)/.exec(output.out)?.[1]
    if (url !== undefined) return url
    if (child.exitCode !== null) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`the node did not start: ${output.err}`)
}
