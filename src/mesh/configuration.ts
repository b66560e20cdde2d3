import { join } from 'node:path'
import type { Route } from './routes.js'
import { atLeast, type Version } from './server-binary.js'

/** Where the certificate, its key and the authority that signed it lie, and which keys the doors accept. */
export interface TlsFiles {
  certificate: string
  privateKey: string
  certificateAuthority: string
  /** SHA-256 of the public keys (hexadecimal) that routes and leafs must have; empty accepts all that the authority signed. */
  pinned: readonly string[]
}

/** Everything that the two configuration files are made of. */
export interface ServerPlan {
  nodeName: string
  folder: string
  host: string
  /** The host that other hubs and leafs are told to dial; undefined: where this one is seen to come from. */
  advertise: string | undefined
  clusterName: string
  hub: { port: number; leafnodePort: number; clusterPort: number } | undefined
  leaf: { port: number }
  hubRoutes: readonly Route[]
  leafRoutes: readonly Route[]
  passwords: Passwords
  tls: TlsFiles | undefined
  messageBytesMax: number
  storeBytesMax: number
}

export interface Passwords {
  /** Shared by the whole mesh: what a hub shows to another hub. */
  route: string
  /** Shared by the whole mesh: what a leaf shows to a hub. */
  leaf: string
  /** Known to this node only. */
  data: string
  system: string
}

/** Where a node's own connections go: nobody else has to reach those ports. */
export const LOOPBACK = '127.0.0.1'
/** Of streams and consumers of the leaf that are kept in memory. */
const MEMORY_BYTES_MAX = 32 * 1024 * 1024
const WILDCARDS = new Set(['0.0.0.0', '::'])

const at = ({ host, port }: Route) => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** nats-server reads JSON as a subset of its own format, and JSON needs no quoting rules of ours. */
const render = (configuration: object) => `${JSON.stringify(configuration, null, 2)}\n`

/** The hub's file: routes to other hubs and a door for leafs. */
export function hubConfiguration(plan: ServerPlan): string {
  const { advertise, hub, host, tls, passwords } = plan
  if (!hub) throw new Error('a node without a hub has no hub configuration')
  const advertised = (port: number) => (advertise === undefined ? {} : { advertise: at({ host: advertise, port }) })
  return render({
    server_name: `hub-${plan.nodeName}`,
    listen: at({ host: LOOPBACK, port: hub.port }),
    max_payload: plan.messageBytesMax,
    lame_duck_duration: '30s',
    ...(tls ? { tls: { cert_file: tls.certificate, key_file: tls.privateKey, timeout: 3 } } : {}),
    cluster: {
      name: plan.clusterName,
      listen: at({ host, port: hub.clusterPort }),
      ...advertised(hub.clusterPort),
      no_advertise: true,
      connect_retries: 3,
      ...(tls ? { tls: pinned(tls) } : { authorization: { user: 'route', password: passwords.route, timeout: 3 } }),
      routes: plan.hubRoutes.map((route) => `nats-route://${tls ? '' : `route:${passwords.route}@`}${at(route)}`),
    },
    leafnodes: {
      listen: at({ host, port: hub.leafnodePort }),
      ...advertised(hub.leafnodePort),
      ...(tls ? { tls: pinned(tls) } : {}),
    },
    accounts: {
      SYS: { users: [{ user: 'system', password: passwords.system }] },
      DATA: {
        users: [
          { user: 'data', password: passwords.data },
          { user: 'leaf', password: passwords.leaf, allowed_connection_types: ['LEAFNODE'] },
        ],
      },
    },
    system_account: 'SYS',
  })
}

/** The leaf's file: this node's own store, which dials its hub (and the leaf routes) and keeps what others may not touch. */
export function leafConfiguration(plan: ServerPlan, version: Version): string {
  const { host, hub, nodeName, passwords, tls } = plan
  const remotes = [
    ...(hub ? [{ host: WILDCARDS.has(host) ? LOOPBACK : host, port: hub.leafnodePort }] : []),
    ...plan.leafRoutes,
  ]
  return render({
    server_name: `leaf-${nodeName}`,
    listen: at({ host: LOOPBACK, port: plan.leaf.port }),
    max_payload: plan.messageBytesMax,
    lame_duck_duration: '30s',
    ...(tls ? { tls: { cert_file: tls.certificate, key_file: tls.privateKey, timeout: 3 } } : {}),
    jetstream: {
      store_dir: join(plan.folder, 'leaf'),
      domain: nodeName,
      max_mem: MEMORY_BYTES_MAX,
      max_file: plan.storeBytesMax,
    },
    leafnodes: {
      reconnect: atLeast(version, [2, 10, 0]) ? '1s' : 1,
      remotes: remotes.map((remote) => ({
        urls: [`${tls ? 'tls' : 'nats-leaf'}://leaf:${passwords.leaf}@${at(remote)}`],
        account: 'DATA',
        deny_imports: guarded(nodeName),
        // Read through inboxes only: what passes a hub under these subjects is forged.
        deny_exports: [`out.${nodeName}.>`],
        ...(tls ? { tls: mutual(tls) } : {}),
      })),
    },
    accounts: {
      SYS: { users: [{ user: 'system', password: passwords.system }] },
      DATA: { jetstream: 'enabled', users: [{ user: 'data', password: passwords.data }] },
    },
    system_account: 'SYS',
  })
}

/** Subjects of ours that nobody else may publish to: our outbox, and every request that changes our streams. */
function guarded(nodeName: string): string[] {
  const changes = ['CREATE', 'UPDATE', 'DELETE', 'PURGE', 'RESTORE', 'SNAPSHOT', 'MSG.DELETE', 'LEADER.STEPDOWN']
  return [`out.${nodeName}.>`, ...changes.map((change) => `$JS.${nodeName}.API.STREAM.${change}.>`)]
}

/** The doors to other nodes: with certificates that are named, where any are. */
const pinned = (tls: TlsFiles): object => ({
  ...mutual(tls),
  ...(tls.pinned.length > 0 ? { pinned_certs: tls.pinned } : {}),
})

function mutual(tls: TlsFiles): object {
  return {
    cert_file: tls.certificate,
    key_file: tls.privateKey,
    ca_file: tls.certificateAuthority,
    verify: true,
    timeout: 3,
  }
}
