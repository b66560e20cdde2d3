#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Client, Job } from '../client/index.js'
import { loadConfig, settings } from '../config/index.js'
import { type Contract, readCommonSchemas, readContracts } from '../contracts/index.js'
import { didYouMean } from '../lib/index.js'
import { type Arguments, type Flag, parseArguments } from './arguments.js'
import { forPeople } from './cluster.js'
import { clusterAuthority } from './cluster-authority.js'
import { BrokenOff, EXIT, explainFailure, Usage } from './failures.js'
import { commandHelp, details, flagsOf, overview, startHelp } from './help.js'
import { importFile, summary } from './import.js'
import { OutputFile } from './output-file.js'
import { print } from './print.js'
import { Progress } from './progress.js'
import { query } from './query.js'
import { requestOf } from './request.js'
import { clientOf } from './settings.js'
import { bytes } from './table.js'

type Command = (args: Arguments) => Promise<void>

/** Commands that are not operations. */
const COMMANDS: Record<string, Command> = {
  start: async ({ words }) => {
    if (words.some((word) => word === '--help' || word === '-h')) return say(startHelp(settings))
    process.argv.splice(2, Number.POSITIVE_INFINITY, ...words.slice(1))
    await import(new URL('../main.js', import.meta.url).href)
    await new Promise(() => {}) // the node ends the process
  },
  'cluster-ca': clusterAuthority,
  help: async ({ words: [, name] }) => say(name === undefined ? overview(readContracts()) : helpOf(name)),
  import: async ({ flags, words: [, file, ...more] }) => {
    if (file === undefined || more.length > 0) throw new Usage('Name one file: trellis import FILE --table T.')
    const done = await importFile(clientOf(flags), file, flags)
    say(flags.json ? JSON.stringify(done) : summary(done))
    if (done.errors_total > 0) process.exitCode = EXIT.refused
  },
  query: async ({ flags, words: [, ...words] }) =>
    say(
      await query(clientOf(flags), flags, words, {
        contractOf: find,
        common: readCommonSchemas(),
        width: process.stdout.columns ?? 100,
        cut: process.stdout.isTTY === true,
      }),
    ),
  'reset-password': async ({ flags, words: [, name, ...more] }) => {
    if (more.length > 0) throw new Usage('Name one user: trellis reset-password NAME --data_dir DIR.')
    const where = flags.data_dir === undefined ? [] : ['--data_dir', flags.data_dir]
    const config = loadConfig({ environment: process.env, flags: where })
    const { resetPassword } = await import('../resetting.js')
    const { username, password } = await resetPassword(config, name)
    if (flags.json) say(JSON.stringify({ username, password }))
    else say(`New password of '${username}', shown once: ${password}`)
  },
  restore: async ({ flags, words: [, file, ...more] }) => {
    const { data_dir: folder } = flags
    if (file === undefined || folder === undefined || more.length > 0)
      throw new Usage('Name the backup and the new data folder: trellis restore FILE --data_dir DIR.')
    const { restoreFolder, readBackup } = await import('../backup/index.js')
    const backup = file === '-' ? process.stdin : readBackup(file)
    const { storage } = loadConfig({ environment: process.env, flags: ['--data_dir', folder] })
    const done = await restoreFolder({ backup, folder, settings: storage })
    if (flags.json) say(JSON.stringify(done))
    else
      say(
        `Restored the backup that ${done.node} made at ${new Date(done.taken).toISOString()} into ${folder}: every sum is right.\nIt is a copy with an incarnation of its own, ${done.restoredAs}. Start it with: trellis start --data_dir ${folder}`,
      )
  },
}

async function main(args: Arguments): Promise<void> {
  const [name] = args.words
  if (args.flags.version) return say(version())
  if (name === undefined) return say(overview(readContracts()))
  if (args.flags.help) return say(helpOf(name))
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : operate
  refuseOthers(name, args.flags)
  await command(args)
}

/** A flag that would do nothing is refused: `trellis delete --database shop …` means another database than it would delete from. */
function refuseOthers(name: string, flags: Arguments['flags']): void {
  const taken = flagsOf(name)
  const other = (Object.keys(flags) as Flag[]).find((flag) => !taken.includes(flag))
  if (other === undefined) return
  const instead =
    name === 'start'
      ? ' The settings of a node follow the word: trellis start --SETTING VALUE.'
      : Object.hasOwn(COMMANDS, name)
        ? ''
        : ` Fields are given as name=value: ${other}=${flags[other]}.`
  throw new Usage(`${name} takes no --${other}.${instead} See \`trellis help ${name}\`.`)
}

/** All of one command or operation. */
function helpOf(name: string): string {
  if (name === 'start') return startHelp(settings)
  return commandHelp(name) ?? details(find(name), readCommonSchemas())
}

/** Runs an operation and writes its answer. */
async function operate({ flags, words: [name, ...words] }: Arguments): Promise<void> {
  const contract = find(name!)
  const request = requestOf(contract, words, readCommonSchemas())
  const client = clientOf(flags)
  const isQuiet = flags.json !== undefined
  if (flags.output !== undefined) {
    if (flags.wait) throw new Usage('--output takes the answer, and --wait waits for a job: give one of them.')
    return save(client, contract.operation, request, flags)
  }
  const response = await client.open(contract.operation, request)
  const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '')
  if (isJson && flags.wait) return follow(client, (await jsonIn(response)) as { job_id?: string }, isQuiet)
  if (!isJson || isQuiet) {
    if (/octet-stream|x-tar|vnd\./.test(response.headers.get('content-type') ?? '') && process.stdout.isTTY)
      throw new Usage(`${contract.operation} answers bytes: say where they go with --output FILE.`)
    return write(response, process.stdout, isJson)
  }
  say(print(forPeople(contract.operation, await jsonIn(response)), { cut: process.stdout.isTTY === true }))
}

/** Runs an operation whose answer goes into a file, which is opened before: what is done is not to be told to nobody. */
async function save(client: Client, operation: string, request: object, flags: Arguments['flags']): Promise<void> {
  const file = new OutputFile(flags.output!)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      file.abandon()
      process.kill(process.pid, signal)
    })
  try {
    // What goes into a file may be large, and begins when the node has it.
    const patience = flags.timeout_ms === undefined ? { timeoutMs: 0 } : {}
    await write(await client.open(operation, request, patience), file.stream())
    const size = file.finish()
    if (flags.json === undefined) say(`Wrote ${bytes(size)} to ${flags.output}.`)
  } catch (error) {
    file.abandon()
    throw error
  }
}

/** Waits for the job that an answer names. */
async function follow(client: Client, answer: { job_id?: string }, asJson: boolean): Promise<void> {
  if (answer.job_id === undefined) return say(asJson ? JSON.stringify(answer) : print(answer, { cut: false }))
  const progress = new Progress(process.stderr)
  try {
    const job = await client.waitForJob(answer.job_id, { onProgress: (job) => progress.show(howFar(job)) })
    progress.end()
    say(asJson ? JSON.stringify(job) : print(job, { cut: false }))
  } finally {
    progress.end()
  }
}

function howFar(job: Job): { share: number; rows: number } {
  const { percent, rows } = job['progress'] as { percent: number | null; rows: number }
  return { share: (percent ?? 0) / 100, rows }
}

async function write(response: Response, to: NodeJS.WritableStream, line = false): Promise<void> {
  await pipeline(piecesOf(response), to, { end: to !== process.stdout })
  if (line) to.write('\n')
}

/** The answer as JSON. @throws BrokenOff */
async function jsonIn(response: Response): Promise<unknown> {
  const pieces: Uint8Array[] = []
  for await (const piece of piecesOf(response)) pieces.push(piece)
  try {
    return JSON.parse(Buffer.concat(pieces).toString())
  } catch (error) {
    throw new BrokenOff(response.url, error)
  }
}

/** The bytes of an answer. @throws BrokenOff */
async function* piecesOf(response: Response): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) yield piece
  } catch (error) {
    throw new BrokenOff(response.url, error)
  }
}

function find(name: string): Contract {
  const contracts = readContracts()
  const wanted = name.replaceAll('-', '_') // cluster-status is cluster_status
  const found = contracts.find(({ operation, also_called }) => operation === wanted || also_called.includes(wanted))
  if (found) return found
  const known = [
    ...Object.keys(COMMANDS),
    ...contracts.flatMap(({ operation, also_called }) => [operation, ...also_called]),
  ]
  throw new Usage(`There is no operation '${name}'.${didYouMean(name, known)}`)
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Tells why it failed, and how that is shown to programs: the exit code. */
function fail(error: unknown): number {
  const { message, next, code, body } = explainFailure(error, args?.words[0])
  process.stderr.write(wantsJson ? `${JSON.stringify(body ?? { error: message })}\n` : `trellis: ${message}\n${next}\n`)
  return code
}

/** A reader that has seen enough (`trellis … | head`) is no failure; a full disk is. */
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.done : fail(error)),
)

const wantsJson = process.argv.includes('--json')
let args: Arguments | undefined
try {
  args = parseArguments(process.argv.slice(2))
  await main(args)
} catch (error) {
  process.exitCode = fail(error)
}
