import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

/**
 * Starts nodes in this process, each with a route to the one before, and waits until all see each other. The routes are
 * those of an earlier run: setting them takes a second, and other tests do.
 */
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
      await allSee(nodes, names)
      return await test(nodes, folder)
    }
    const own = join(folder, names[place]!)
    if (place > 0) leaveRoute(own, settings[place - 1]!.clusterPort)
    await onNode(
      own,
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

/** What a node keeps of its routes. */
function leaveRoute(folder: string, port: number): void {
  mkdirSync(join(folder, 'mesh'), { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, 'mesh', 'routes.json'), JSON.stringify({ hub: [{ host: '127.0.0.1', port }], leaf: [] }))
}

/** Waits until each is answered by every other one. */
async function allSee(nodes: readonly TestNode[], names: readonly string[]): Promise<void> {
  const sees = async ({ node }: TestNode, name: string) => {
    const { requests } = node.services.clustering.replication.mesh
    return await requests.ask(name, 'pulse', null, 1_000).then(
      () => true,
      () => false,
    )
  }
  for (const [place, node] of nodes.entries())
    for (const name of names)
      if (name !== names[place]) await eventually(`${names[place]} sees ${name}`, () => sees(node, name))
}

/** All records of a table in the order of their keys, as they are stored. */
export function contentOf(node: TestNode, database: string, table: string): Record<string, unknown>[] {
  using snapshot = node.node.services.tables.snapshot()
  return [...(snapshot.table(database, table)?.scan() ?? [])]
}
