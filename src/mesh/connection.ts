import { setTimeout as delay } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import { Problem } from '../lib/index.js'
import type { Log } from './log.js'
import { nats } from './nats.js'

const RETRY_MS = 100

export interface ConnectionOptions {
  host: string
  port: number
  user: string
  password: string
  /** PEM file of the authority that signed the server's certificate; undefined means plain text on loopback. */
  certificateAuthority: string | undefined
  name: string
  server: 'hub' | 'leaf'
  /** How long the server may take until it answers for the first time, in milliseconds. */
  withinMs: number
  log: Log
}

/**
 * Connects to one of our own servers and stays connected over its restarts.
 * @throws Problem own_server_not_started: whoever waits for a server that never starts would himself never start
 */
export async function connectTo(options: ConnectionOptions): Promise<NatsConnection> {
  const { log, name, port, server, withinMs } = options
  for (const until = Date.now() + withinMs; ; ) {
    try {
      const connection = await tryTo(options)
      void follow(connection, name, log)
      return connection
    } catch (error) {
      if (Date.now() < until) await delay(RETRY_MS)
      else {
        log.error({ connection: name, error: String(error) }, 'no connection to a server of this node')
        throw new Problem('own_server_not_started', { server, port })
      }
    }
  }
}

async function tryTo(options: ConnectionOptions): Promise<NatsConnection> {
  const { certificateAuthority, host, name, password, port, user } = options
  return await nats().connect({
    servers: `${host}:${port}`,
    user,
    pass: password,
    name,
    ...(certificateAuthority ? { tls: { caFile: certificateAuthority } } : {}),
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 20,
    timeout: 2_000,
    pingInterval: 5_000,
    maxPingOut: 2,
  })
}

async function follow(connection: NatsConnection, name: string, log: Log): Promise<void> {
  const { Events } = nats()
  for await (const { type, data } of connection.status()) {
    if (type === Events.Disconnect || type === Events.Reconnect)
      log.info({ connection: name, event: type }, 'mesh connection')
    else if (type === Events.Error) log.warn({ connection: name, error: String(data) }, 'mesh connection')
  }
}
