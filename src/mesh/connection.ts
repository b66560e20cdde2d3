import { connect, Events, type NatsConnection } from 'nats'
import type { Log } from './log.js'

export interface ConnectionOptions {
  host: string
  port: number
  user: string
  password: string
  /** PEM file of the authority that signed the server's certificate; undefined means plain text on loopback. */
  certificateAuthority: string | undefined
  name: string
  log: Log
}

/** Connects to one of our own servers and stays connected over its restarts. */
export async function connectTo(options: ConnectionOptions): Promise<NatsConnection> {
  const { certificateAuthority, host, log, name, password, port, user } = options
  const connection = await connect({
    servers: `${host}:${port}`,
    user,
    pass: password,
    name,
    ...(certificateAuthority ? { tls: { caFile: certificateAuthority } } : {}),
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 20,
    waitOnFirstConnect: true,
    timeout: 2_000,
    pingInterval: 5_000,
    maxPingOut: 2,
  })
  void follow(connection, name, log)
  return connection
}

async function follow(connection: NatsConnection, name: string, log: Log): Promise<void> {
  for await (const { type, data } of connection.status()) {
    if (type === Events.Disconnect || type === Events.Reconnect)
      log.info({ connection: name, event: type }, 'mesh connection')
    else if (type === Events.Error) log.warn({ connection: name, error: String(data) }, 'mesh connection')
  }
}
