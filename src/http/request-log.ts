import { type Logger, symbols } from 'pino'

/** What the log says of a request: no bodies, no secrets. */
export interface RequestLine {
  id: string
  operation: string | undefined
  user: string | undefined
  status: number
  /** Milliseconds from the first byte of the request to its answer. */
  ms: number
}

/** What a logger of pino has behind its symbols. */
interface Inside {
  [symbols.streamSym]: { write(line: string): void }
  [symbols.chindingsSym]: string
  [symbols.timeSym](): string
}

/**
 * Writes one line for each request to the stream of the logger, in the logger's own format. It prints the few fields by
 * itself: pino's general way costs 3 µs, a tenth of a short request.
 */
export function requestLog(log: Logger): (line: RequestLine) => void {
  const inside = log as unknown as Inside
  const head = `{"level":${log.levels.values['info']}`
  return ({ id, operation, user, status, ms }) => {
    if (!log.isLevelEnabled('info')) return
    const who = `${operation === undefined ? '' : `,"operation":"${operation}"`}${user === undefined ? '' : `,"user":${JSON.stringify(user)}`}`
    const fields = `,"id":"${id}"${who},"status":${status},"ms":${ms}`
    inside[symbols.streamSym].write(
      `${head}${inside[symbols.timeSym]()}${inside[symbols.chindingsSym]}${fields},"msg":"request"}\n`,
    )
  }
}
