import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Client, type ConnectOptions, connect } from '../client/index.js'
import { didYouMean, parseYaml } from '../lib/index.js'
import type { Flag } from './arguments.js'
import { Usage } from './failures.js'

const NAMES = ['url', 'username', 'password', 'token'] as const
type Settings = Partial<Record<(typeof NAMES)[number], string>>

/** The client of the node that flags, else the environment, else ~/.trellis name. */
export function clientOf(flags: Partial<Record<Flag, string>>, options: Partial<ConnectOptions> = {}): Client {
  const file = readSettings(join(homedir(), '.trellis'))
  const chosen = pick((name) => flags[name]) ?? pick((name) => process.env[`TRELLIS_${name.toUpperCase()}`])
  const { token, username, password } = chosen ?? file
  const url = flags.url ?? process.env['TRELLIS_URL'] ?? file.url ?? 'http://127.0.0.1:9925'
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new Usage(`'${url}' is not an address: it looks like http://127.0.0.1:9925.`)
  if (/^https?:\/\/[^/?#]*@/.test(url))
    throw new Usage('The address must not hold who you are: give --username and TRELLIS_PASSWORD beside it.')
  const timeoutMs = flags.timeout_ms === undefined ? undefined : Number(flags.timeout_ms || Number.NaN)
  if (timeoutMs !== undefined && !(timeoutMs >= 0)) throw new Usage('--timeout_ms must be a number of milliseconds.')
  return connect({
    url,
    ...(token !== undefined ? { token } : username !== undefined ? { username, password: password ?? '' } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...options,
  })

  /** Credentials come from one place, so that a name of one and a password of another never mix, but for these two. */
  function pick(get: (name: (typeof NAMES)[number]) => string | undefined): Settings | undefined {
    const token = get('token')
    if (token) return { token }
    const username = get('username')
    if (username === undefined) return undefined
    const password =
      get('password') ?? process.env['TRELLIS_PASSWORD'] ?? (file.username === username ? file.password : undefined)
    return { username, ...(password === undefined ? {} : { password }) }
  }
}

/** Reads `name: value` lines; a file with secrets that others may read is refused, as ssh does. */
function readSettings(path: string): Settings {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
  const settings = parsed(path, text)
  if (typeof settings !== 'object' || Array.isArray(settings))
    throw new Usage(`${path} must hold lines as 'url: http://127.0.0.1:9925'.`)
  for (const [name, value] of Object.entries(settings as object)) {
    if (!NAMES.includes(name as 'url'))
      throw new Usage(`${path}: unknown setting ${name}.${didYouMean(name, NAMES)} Known: ${NAMES.join(', ')}.`)
    if (typeof value !== 'string') throw new Usage(`${path}: ${name} must be a text; put it in quotes.`)
  }
  const { password, token } = settings as Settings
  if ((password ?? token) !== undefined && (statSync(path).mode & 0o077) !== 0)
    throw new Usage(`${path} holds a secret and others may read it: chmod 600 ${path}`)
  return settings as Settings
}

function parsed(path: string, text: string): unknown {
  try {
    return parseYaml(text) ?? {}
  } catch (error) {
    throw new Usage(`${path} is not valid YAML: ${(error as Error).message}`)
  }
}
