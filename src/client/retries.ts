import { TrellisProblem, TrellisUnreachable } from './errors.js'

export interface Retries {
  /** Attempts after the first. Default 3. */
  retries: number
  /** First pause, in milliseconds; doubles with each attempt. Default 100. */
  pauseMs: number
  /** Longest pause, in milliseconds. Default 5,000. */
  pauseMsMax: number
}

/**
 * How long to wait before the next attempt, in milliseconds; undefined when another attempt cannot help. Repeating is
 * safe: what changes anything carries an idempotency key. Full jitter (Brooker, 2015), or what the server asks for.
 */
export function retryPause(error: unknown, attempt: number, { pauseMs, pauseMsMax }: Retries): number | undefined {
  const jittered = Math.random() * Math.min(pauseMsMax, pauseMs * 2 ** attempt)
  if (error instanceof TrellisUnreachable) return jittered
  if (!(error instanceof TrellisProblem) || !error.retry || error.code === 'statement_timeout') return undefined
  const asked = Number(error.body['retry_after_s']) * 1000
  if (!Number.isFinite(asked)) return jittered
  return asked <= pauseMsMax ? asked + jittered : undefined
}

/** Waits, or throws the signal's reason when it aborts first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}

/** What a promise comes to, or the signal's reason when it aborts first. */
export function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
