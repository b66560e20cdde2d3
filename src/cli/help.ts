import type { Setting } from '../config/index.js'
import type { Contract, Example, Schema } from '../contracts/index.js'
import { FLAGS, type Flag } from './arguments.js'
import { resolve, typesOf } from './types-of.js'

interface CommandHelp {
  usage: string
  meaning: string
  more?: readonly string[]
  /** The flags that it takes. */
  flags?: readonly Flag[]
}

/** What a command needs that speaks to a node. */
const TO_A_NODE = ['url', 'username', 'password', 'token', 'timeout_ms', 'json'] as const

const OF_OPERATIONS: readonly Flag[] = [...TO_A_NODE, 'output', 'wait']

const START = { usage: 'start [--SETTING VALUE …]', meaning: 'Starts a node; start --help lists the settings.' }
const COMMANDS: Record<string, CommandHelp> = {
  import: {
    usage: 'import FILE --table T',
    meaning: 'Loads a CSV, NDJSON or JSON file, with its progress; safe to repeat.',
    more: [
      'The file goes in parts, each with a key made of what it holds: after Ctrl-C or a broken connection the same command',
      'goes on where it was, and no row comes twice. Rows that cannot be taken are named by their line in the file.',
    ],
    flags: ['table', 'database', 'action', 'format', 'again', ...TO_A_NODE],
  },
  query: {
    usage: 'query FILE.pyql --table T [name=value …]',
    meaning: 'Runs a PyQL script; shows groups as a table, histograms as bars.',
    more: [
      'Sections (@segment …) make it a batch or segments; name, bucket, min, max or foreach make it a histogram. FILE may be',
      '-, standard input. The words are fields of the operation that this is: see trellis help query_events, and so on.',
    ],
    flags: ['table', 'database', ...TO_A_NODE],
  },
  restore: {
    usage: 'restore FILE --data_dir DIR',
    meaning: 'Makes a new data folder from a backup.',
    more: ['FILE is what create_backup has made, or -, standard input. The folder is new or empty; no node is needed.'],
    flags: ['data_dir', 'json'],
  },
  'reset-password': {
    usage: 'reset-password [NAME] --data_dir DIR',
    meaning: 'Gives a user of a stopped node a new password, where nobody can sign in any more.',
    more: ['NAME is the first super user where it is left out. Tokens of the user end; keys for programs stay.'],
    flags: ['data_dir', 'json'],
  },
  'cluster-ca': {
    usage: 'cluster-ca create | sign NODE',
    meaning: 'Makes the authority of a mesh, or the certificate of a node.',
    flags: ['folder', 'hosts'],
  },
  help: { usage: 'help [COMMAND | OPERATION]', meaning: 'Lists the operations, or tells all of one.' },
}

/** What the program can do: commands, flags, and every operation with its summary. */
export function overview(contracts: readonly Contract[]): string {
  const groups = [...new Set(contracts.map(({ group }) => group))]
  return [
    'trellis: the command line of TrellisDB',
    '',
    'Usage:',
    ...columns(
      [
        START,
        { usage: 'OPERATION [name=value …]', meaning: 'Runs an operation on a running node.' },
        { usage: 'status', meaning: 'Tells how the node is doing.' },
        ...Object.values(COMMANDS),
      ].map(({ usage, meaning }) => [`trellis ${usage}`, meaning]),
    ),
    '',
    'Flags (each may also be in ~/.trellis as `url: …`, `username: …`, `password: …` or `token: …`):',
    ...columns(Object.entries(FLAGS).map(([name, meaning]) => [`--${name}`, meaning])),
    '',
    'Values are read by the type of their field; JSON is accepted; name=@file takes a file, @- standard input.',
    ...groups.flatMap((group) => [
      '',
      `Operations on ${group}:`,
      ...columns(
        contracts.filter((contract) => contract.group === group).map(({ operation, summary }) => [operation, summary]),
      ),
    ]),
  ].join('\n')
}

/** All of one command that is no operation; undefined when there is no such command. */
export function commandHelp(name: string): string | undefined {
  if (!Object.hasOwn(COMMANDS, name)) return undefined
  const { usage, meaning, more = [], flags = [] } = COMMANDS[name]!
  return [
    `${name}: ${meaning}`,
    ...(more.length > 0 ? ['', ...more] : []),
    '',
    'Usage:',
    `  trellis ${usage}`,
    ...(flags.length > 0 ? ['', 'Flags:', ...columns(flags.map((flag) => [`--${flag}`, FLAGS[flag]]))] : []),
  ].join('\n')
}

/** The flags that a command or operation takes. */
export function flagsOf(name: string): readonly Flag[] {
  if (name === 'start') return [] // its settings follow it
  return Object.hasOwn(COMMANDS, name) ? (COMMANDS[name]!.flags ?? []) : OF_OPERATIONS
}

/** How a node is started: every setting, its default and its meaning. */
export function startHelp(settings: readonly Setting[]): string {
  return [
    'start: Starts a node and serves until it is told to end (SIGTERM, SIGINT).',
    '',
    'Usage:',
    '  trellis start [--SETTING VALUE …]',
    '',
    'Settings come from flags, the environment (http.port: TRELLIS_HTTP_PORT) or a file that --config names:',
    ...columns(
      settings.map(({ path, description, default: value }) => [
        `--${path}`,
        value === undefined || value === '' ? description : `${description} Default: ${JSON.stringify(value)}.`,
      ]),
    ),
  ].join('\n')
}

/** All of one operation: meaning, fields, examples as commands, problems. */
export function details(contract: Contract, common: ReadonlyMap<string, Schema>): string {
  const { operation, summary, description, access, also_called, also_named, request, problems, examples } = contract
  const required = new Set(request.required ?? [])
  const rows = Object.entries(request.properties ?? {}).map(([name, raw]) => {
    const schema = resolve(raw, common)
    const others = Object.entries(also_named)
      .filter(([, field]) => field === name)
      .map(([other]) => other)
    const choices = Array.isArray(schema['enum'])
      ? schema['enum'].join(' | ')
      : typesOf(schema, common).join(' or ') || 'any'
    const notes = [
      schema.description ?? '',
      others.length > 0 ? `Also: ${others.join(', ')}.` : '',
      schema.default === undefined ? '' : `Default: ${JSON.stringify(schema.default)}.`,
    ]
    return [
      `${name}${required.has(name) ? ' (required)' : ''}`,
      `${choices}. ${notes.filter(Boolean).join(' ')}`,
    ] as const
  })
  return [
    `${operation}: ${summary}`,
    ...(description === summary ? [] : ['', description]),
    '',
    `Needs: ${access.join(' and ')}${also_called.length > 0 ? `. Also called: ${also_called.join(', ')}` : ''}`,
    '',
    ...(rows.length === 0 ? ['It has no fields.'] : ['Fields:', ...columns(rows)]),
    '',
    'Examples:',
    ...examples.map(
      (example) =>
        `  # ${example.title}${example.problem === undefined ? '' : ` (answers ${example.problem})`}\n  ${command(operation, example)}`,
    ),
    ...(problems.length > 0 ? ['', `Problems: ${problems.join(', ')} (docs/problems.md)`] : []),
  ].join('\n')
}

/** The command line of an example. */
export function command(operation: string, { request }: Pick<Example, 'request'>): string {
  const fields = Object.entries(request).map(([name, value]) =>
    quoted(`${name}=${typeof value === 'string' ? value.replace(/^@/, '@@') : JSON.stringify(value)}`),
  )
  return ['trellis', operation, ...fields].join(' ')
}

function quoted(word: string): string {
  return /^[\w@%+=:,./*-]+$/.test(word) && !word.includes('*') ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const widest = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(widest)}  ${right}`)
}
