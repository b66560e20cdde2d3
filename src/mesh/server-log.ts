import type { Readable } from 'node:stream'
import type { Log } from './log.js'

const LINE = /^\[\d+\] \S+ \S+ \[(TRC|DBG|INF|WRN|ERR|FTL)\] (.*)$/
const LINE_CHARACTERS_MAX = 4096

/** Whoever only asks who is there, as we do, hangs up before TLS begins. */
const HUNG_UP = /TLS (?:\w+ )?handshake error: EOF$/

/** What people may see of a line: addresses without the passwords in them. */
const redact = (text: string) => text.replace(/:\/\/[^\s/@]*@/g, '://')

/**
 * Copies what a server says into our log and shows each line to `watch`. The pipe is read to its end whatever
 * happens: a server whose pipe is full or closed stops or dies.
 */
export function drainLog(pipe: Readable, server: string, log: Log, watch: (text: string) => void): void {
  let rest = ''
  pipe.setEncoding('utf8')
  pipe.on('error', () => {})
  pipe.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!.slice(-LINE_CHARACTERS_MAX)
    for (const line of lines) {
      const [, level = 'INF', text = line] = LINE.exec(line) ?? []
      const shown = redact(text.slice(0, LINE_CHARACTERS_MAX))
      if (HUNG_UP.test(shown)) log.debug({ server }, shown)
      else if (level === 'ERR' || level === 'FTL') log.warn({ server }, shown)
      else if (level === 'WRN') log.info({ server }, shown)
      else log.debug({ server }, shown)
      watch(shown)
    }
  })
}
