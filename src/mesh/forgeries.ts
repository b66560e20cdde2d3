import type { NatsConnection } from 'nats'
import type { Log } from './log.js'

const SAID_EVERY_MS = 1_000

/**
 * Tells of messages that claim to come from a node's outbox. No leaf lets its outbox out (it is read through inboxes) or
 * takes one in, so whoever sends such a message is not honest, and nobody gets it: this only says so.
 * @param hub a connection to the hub, where what comes from outside passes
 */
export function watchForgeries(hub: NatsConnection, log: Log): void {
  let messages = 0
  let saidAt = 0
  hub.subscribe('out.>', {
    callback: (error, { subject }) => {
      if (error) return
      messages++
      if (Date.now() - saidAt < SAID_EVERY_MS) return
      saidAt = Date.now()
      const reason = 'an outbox takes nothing from outside'
      log.warn({ from: subject.split('.')[1], reason, messages }, 'refused a message between nodes')
      messages = 0
    },
  })
}
