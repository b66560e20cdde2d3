import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Problem } from '../lib/index.js'

const run = promisify(execFile)

/** A nats-server that can be started: its path (or bare name, found on PATH) and version. */
export interface ServerBinary {
  path: string
  version: Version
}

export type Version = readonly [major: number, minor: number, patch: number]

/** Versions from here on do not lose streams when a server crashes (nats-server 2.10.23 notes). */
export const SAFE_VERSION: Version = [2, 10, 23]

/**
 * Finds the server and asks for its version.
 * @param path of the program; empty means the one on PATH
 * @throws Problem nats_server_missing when there is none that runs
 */
export async function findServer(path: string): Promise<ServerBinary> {
  const program = path || 'nats-server'
  const answer = await run(program, ['--version'], { timeout: 5000 }).catch(() => undefined)
  const version = answer && parseVersion(answer.stdout)
  if (!version) throw new Problem('nats_server_missing', { program })
  return { path: program, version }
}

/** Reads the version out of "nats-server: v2.10.27"; undefined when the text is something else. */
export function parseVersion(text: string): Version | undefined {
  const match = /nats-server: v(\d+)\.(\d+)\.(\d+)/.exec(text)
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined
}

export function atLeast(version: Version, wanted: Version): boolean {
  for (const [place, want] of wanted.entries()) {
    const have = version[place]!
    if (have !== want) return have > want
  }
  return true
}

/** What a person should know about this server; empty when all is well. */
export function versionWarnings({ version }: ServerBinary): string[] {
  if (atLeast(version, SAFE_VERSION)) return []
  return [
    `nats-server ${version.join('.')} is older than ${SAFE_VERSION.join('.')}: it may lose its own stores in a crash. ` +
      'No acknowledged write is lost by that, but catching up takes longer. Upgrade it.',
  ]
}

let parentDeathSignal: Promise<boolean> | undefined

/** Whether setpriv can tie a child's life to ours (Linux with util-linux); asked once per process. */
export function canTieToParent(): Promise<boolean> {
  parentDeathSignal ??= run('setpriv', ['--pdeathsig', 'KILL', 'true'], { timeout: 5000 }).then(
    () => true,
    () => false,
  )
  return parentDeathSignal
}
