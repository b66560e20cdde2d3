import { didYouMean } from '../lib/index.js'
import { Usage } from './failures.js'

/** What every command takes; the environment and the file are in settings.ts. */
export const FLAGS = {
  url: 'where the node listens (TRELLIS_URL); default http://127.0.0.1:9925',
  username: 'who you are (TRELLIS_USERNAME)',
  password: 'your password (TRELLIS_PASSWORD is better: flags are seen by other users of the machine)',
  token: 'an operation token or API key instead (TRELLIS_TOKEN)',
  timeout_ms: 'longest time for an answer to begin; 0: none',
  output: 'file for the answer instead of standard output',
  wait: 'waits for the job that the operation starts, and shows its progress and its end',
  json: 'the answer as JSON, for programs',
  table: 'import: the table to fill; query: the event table',
  database: 'import, query: its database',
  action: 'import: insert, update or upsert; default insert',
  format: 'import: csv, ndjson or json; by default as the name of the file says',
  again: 'import: loads once more what the same command has loaded within 24 hours; then not safe to repeat',
  data_dir: 'restore: the new data folder; reset-password: that of the node (TRELLIS_DATA_DIR)',
  folder: 'cluster-ca: where the authority is kept; default ./cluster-ca',
  hosts: 'cluster-ca sign: names and addresses under which other nodes dial the node, with commas between',
  help: 'what a command does',
  version: 'the version of this program',
} as const

export type Flag = keyof typeof FLAGS
const SWITCHES: readonly Flag[] = ['again', 'wait', 'json', 'help', 'version']
const SHORT: Record<string, Flag> = { '-u': 'username', '-p': 'password', '-o': 'output', '-h': 'help', '-t': 'table' }

export interface Arguments {
  flags: Partial<Record<Flag, string>>
  /** The command and what follows it, without flags. */
  words: string[]
}

/** Parts flags from words. After `start` everything belongs to the node; after `--` everything is a word. */
export function parseArguments(args: readonly string[]): Arguments {
  const flags: Arguments['flags'] = {}
  const words: string[] = []
  for (let index = 0; index < args.length; index++) {
    const argument = args[index]!
    if (argument === '--' || words[0] === 'start') {
      words.push(...args.slice(argument === '--' ? index + 1 : index))
      break
    }
    const [flag, inline] = flagIn(argument)
    if (flag === undefined) words.push(argument)
    else if (SWITCHES.includes(flag)) {
      if (inline !== undefined) throw new Usage(`--${flag} takes no value: it is given or left out.`)
      flags[flag] = 'true'
    } else {
      const value = inline ?? args[++index]
      if (value === undefined) throw new Usage(`--${flag} needs a value: --${flag} VALUE (${FLAGS[flag]}).`)
      flags[flag] = value
    }
  }
  return { flags, words }
}

function flagIn(argument: string): [Flag | undefined, string | undefined] {
  const short = SHORT[argument]
  if (short) return [short, undefined]
  const [, written, value] = /^--([\w-]+)(?:=(.*))?$/s.exec(argument) ?? []
  if (written === undefined) return [undefined, undefined]
  const name = written.replaceAll('-', '_')
  if (Object.hasOwn(FLAGS, name)) return [name as Flag, value]
  throw new Usage(
    `Unknown flag --${written}.${didYouMean(name, Object.keys(FLAGS))} The fields of an operation are given as name=value.`,
  )
}
