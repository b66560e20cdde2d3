import { constants } from 'node:os'
import { pino } from 'pino'
import { ConfigError, loadConfig } from './config/index.js'
import { LogTail } from './lib/index.js'
import { type FirstUser, startNode } from './node.js'

/** Exit code for a configuration that cannot be used (EX_CONFIG of sysexits). */
const EXIT_CONFIG = 78

/** What the node writes is for its own user: files 0600, folders 0700. */
const PRIVATE = 0o077

/** The process: configuration, start the node, wait for a signal. */
async function main(flags: string[]): Promise<void> {
  process.umask(PRIVATE)
  let isReady = false
  const told = signal()
  void told.then((name) => isReady || endBy(name))
  const config = loadConfig({ environment: process.env, flags })
  const destination = pino.destination({ fd: 2, sync: false })
  const tail = new LogTail(config.log.kept_lines_max)
  const log = pino(
    { level: config.log.level, base: { node: config.node.name }, timestamp: isoTime() },
    pino.multistream([
      { level: 'trace', stream: destination },
      { level: 'trace', stream: tail },
    ]),
  )
  process.on('unhandledRejection', (error) => {
    log.fatal({ error: String(error), stack: (error as Error)?.stack }, 'unhandled rejection')
    destination.flushSync()
    process.exit(1)
  })
  let firstUser: FirstUser | undefined
  const onFirstUser = (user: FirstUser) => introduce((firstUser = user))
  const node = await startNode({ config, log, tail, onFirstUser })
  if (firstUser) suggest(firstUser, node.url)
  process.stdout.write(`TrellisDB ready on ${node.url}\n`)
  isReady = true
  await told
  log.info('stopping')
  await node[Symbol.asyncDispose]()
  log.info('stopped')
  destination.flushSync()
}

/** ISO 8601 times for the log, printed once a millisecond: a busy node writes many lines in each. */
function isoTime(): () => string {
  let last = 0
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== last) {
      last = now
      text = `,"time":"${new Date(now).toISOString()}"`
    }
    return text
  }
}

/** Standard output has one line, for programs; what people want to know is on standard error. */
function introduce({ username, password, generated }: FirstUser): void {
  const shown = generated ? `${password}   (shown once; keep it)` : '(the one you configured)'
  process.stderr.write(`\nFirst super user: ${username}\nPassword:         ${shown}\n\n`)
}

function suggest({ username, password, generated }: FirstUser, url: string): void {
  const sent = generated ? `${username}:${password}` : `${username}:$TRELLIS_ADMIN_PASSWORD`
  process.stderr.write(
    `Try:\n  curl -s -u '${sent}' -H 'Content-Type: application/json' \\\n    -d '{"operation":"describe_all"}' ${url}/\n\n`,
  )
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
type Signal = (typeof SIGNALS)[number]

/** A terminal that is closed hangs up: that stops the node as cleanly as it is told to. */
function signal(): Promise<Signal> {
  return new Promise((resolve) => {
    for (const name of SIGNALS) process.once(name, () => resolve(name))
  })
}

/**
 * A node that only starts has nothing to finish, and ends as if it did not know signals. To the first process of a
 * container the system does not give those that it does not know: it would have gone on starting until it is killed.
 */
function endBy(name: Signal): void {
  process.removeAllListeners(name)
  process.kill(process.pid, name)
  process.exit(128 + constants.signals[name])
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(
      error instanceof ConfigError ? `${error.message}\n` : `TrellisDB could not start: ${(error as Error).message}\n`,
    )
    process.exit(error instanceof ConfigError ? EXIT_CONFIG : 1)
  },
)
