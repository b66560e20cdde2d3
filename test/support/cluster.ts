import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadAuthority } from '../../src/mesh/index.js'
import { eventually } from './eventually.js'
import { withFolder } from './mesh.js'
import { freePorts, natsServer } from './nats.js'
import { onNode, type TestNode } from './node.js'

export const MESH_SECRET = 'a-secret-of-tests'

/** The clustering settings of one node. */
export interface MeshSettings {
  settings: Record<string, string>
  clusterPort: number
}

export async function meshSettings(name: string, over: Record<string, string> = {}): Promise<MeshSettings> {
  const [port, leafnodePort, leafPort, clusterPort] = (await freePorts(4)) as [number, number, number, number]
  const settings = {
    'node.name': name,
    'clustering.enabled': 'true',
    'clustering.secret': MESH_SECRET,
    'clustering.nats_server': natsServer(),
    'clustering.hub.port': `${port}`,
    'clustering.hub.leafnode_port': `${leafnodePort}`,
    'clustering.hub.cluster_port': `${clusterPort}`,
    'clustering.leaf.port': `${leafPort}`,
    ...over,
  }
  return { settings, clusterPort }
}

/** Starts nodes in this process, each with a route to the one before, and waits until all see each other. */
export async function withCluster(
  names: readonly string[],
  test: (nodes: TestNode[], folder: string) => Promise<void>,
  over: (name: string) => Record<string, string> = () => ({}),
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-cluster-'))
  const settings = await Promise.all(names.map((name) => meshSettings(name, over(name))))
  const nodes: TestNode[] = []
  const start = async (place: number): Promise<void> => {
    if (place === names.length) {
      await Promise.all(nodes.slice(1).map((node, before) => joinTo(node, settings[before]!.clusterPort)))
      await allSee(nodes)
      return await test(nodes, folder)
    }
    await onNode(
      join(folder, names[place]!),
      async (node) => {
        nodes.push(node)
        await start(place + 1)
      },
      settings[place]!.settings,
    )
  }
  try {
    await start(0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The same over TLS without a secret: each node has a certificate of one authority. */
export async function withTlsCluster(
  names: readonly string[],
  test: (nodes: TestNode[], folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (authority) => {
    const { createAuthority, signNode } = await loadAuthority()
    await createAuthority(authority)
    const files = new Map(
      await Promise.all(names.map(async (name) => [name, await signNode(authority, name, [])] as const)),
    )
    await withCluster(names, test, (name) => ({
      'clustering.secret': '',
      'clustering.tls.certificate': files.get(name)!.certificate,
      'clustering.tls.private_key': files.get(name)!.privateKey,
      'clustering.tls.certificate_authority': files.get(name)!.certificateAuthority,
    }))
  })
}

/** What the node's next change would be as others get it. */
export function nextEntry(name: string, { node }: TestNode, change: object): object {
  const { sequence } = node.services.tables.changes
  return { sequence: sequence + 1, time: Date.now(), origin: name, user: '', ...change }
}

const joinTo = (node: TestNode, port: number) =>
  node.ok({ operation: 'cluster_set_routes', server: 'hub', routes: [{ host: '127.0.0.1', port }] })

async function allSee(nodes: readonly TestNode[]): Promise<void> {
  const seesAll = async (node: TestNode) => {
    const network = { operation: 'cluster_network', timeout: 1_000 }
    const { nodes: seen } = await node.ok<{ nodes: { response_time: number | null }[] }>(network)
    return seen.length === nodes.length && seen.every(({ response_time }) => response_time !== null)
  }
  await Promise.all(nodes.map((node) => eventually('every node is seen', () => seesAll(node))))
}

/** All records of a table in the order of their keys, as they are stored. */
export function contentOf(node: TestNode, database: string, table: string): Record<string, unknown>[] {
  using snapshot = node.node.services.tables.snapshot()
  return [...(snapshot.table(database, table)?.scan() ?? [])]
}
