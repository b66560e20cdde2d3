import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ADMIN, type TestNode } from './node.js'

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

export interface Outcome {
  code: number | null
  out: string
  err: string
}

export interface TrellisOptions {
  environment?: Record<string, string>
  input?: string
  /** A home folder that the test has filled; otherwise an empty one. */
  home?: string
  /** Kept when the program is to be told to stop, as Ctrl-C does. */
  interrupt?: Promise<unknown>
}

/** Runs the command line program as a process of its own, with an environment of its own. */
export async function trellis(
  args: string[],
  { environment = {}, input = '', home, interrupt }: TrellisOptions = {},
): Promise<Outcome> {
  const folder = home ?? mkdtempSync(join(tmpdir(), 'trellis-home-'))
  try {
    const child = spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env['PATH'], HOME: folder, ...environment },
      stdio: 'pipe',
    })
    child.stdin.end(input)
    void interrupt?.then(() => child.kill('SIGINT'))
    const outcome: Outcome = { code: null, out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (outcome.out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (outcome.err += text))
    await new Promise<void>((resolve) =>
      child.once('close', (code) => {
        outcome.code = code
        resolve()
      }),
    )
    return outcome
  } finally {
    if (home === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/** The environment that leads the program to a test node as its admin. */
export function asAdmin(node: TestNode): Record<string, string> {
  return { TRELLIS_URL: node.url, TRELLIS_USERNAME: ADMIN.username, TRELLIS_PASSWORD: ADMIN.password }
}
