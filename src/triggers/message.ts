/** What a trigger said about a person. */
export interface Message {
  /** Milliseconds. */
  readonly stamp: number
  readonly uid: string | number
  readonly message: string | number | boolean
  /** The function that said it. */
  readonly method: string
}

/** A message in a queue, with its place in it. */
export interface Letter {
  readonly number: number
  readonly message: Message
  /** When it was put into the queue again, in milliseconds; undefined: it waits since it was said. */
  readonly since?: number
  /** Dead letters: why it was given up. */
  readonly reason?: string
}

/** A message as web-hooks get it. */
export function wireForm({ stamp, uid, message, method }: Message) {
  return { stamp, stamp_iso: new Date(stamp).toISOString().replace('.000Z', 'Z'), uid, message, method }
}
