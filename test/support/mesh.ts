import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection } from 'nats'
import { type Log, Mesh, type MeshOptions, newIdentity } from '../../src/mesh/index.js'
import { freePorts, natsServer } from './nats.js'

/** Remembers what was logged, so that a test can look for what must or must not be said. */
export class RememberedLog implements Log {
  readonly lines: string[] = []
  debug = (facts: object, message: string) => void this.lines.push(`debug ${message} ${JSON.stringify(facts)}`)
  info = (facts: object, message: string) => void this.lines.push(`info ${message} ${JSON.stringify(facts)}`)
  warn = (facts: object, message: string) => void this.lines.push(`warn ${message} ${JSON.stringify(facts)}`)
  error = (facts: object, message: string) => void this.lines.push(`error ${message} ${JSON.stringify(facts)}`)
}

export async function meshOptions(
  nodeName: string,
  folder: string,
  over: Partial<MeshOptions> = {},
): Promise<MeshOptions> {
  const [port, leafnodePort, clusterPort, leafPort] = (await freePorts(4)) as [number, number, number, number]
  return {
    nodeName,
    folder: join(folder, nodeName),
    serverPath: natsServer(),
    host: '127.0.0.1',
    clusterName: 'trellis',
    hub: { port, leafnodePort, clusterPort },
    leaf: { port: leafPort },
    secret: 'correct horse battery staple',
    identity: newIdentity(),
    tls: undefined,
    messageBytesMax: 1024 * 1024,
    storeBytesMax: 64 * 1024 * 1024,
    log: new RememberedLog(),
    ...over,
  }
}

/** Runs a test in a folder of its own. */
export async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-mesh-'))
  try {
    return await run(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Starts several meshes; all but the first have a route to the first. */
export async function withMeshes(
  names: readonly string[],
  run: (meshes: Mesh[], options: MeshOptions[]) => Promise<void>,
  over: (name: string, folder: string) => Promise<Partial<MeshOptions>> = async () => ({}),
): Promise<void> {
  await withFolder(async (folder) => {
    const options = await Promise.all(names.map(async (name) => meshOptions(name, folder, await over(name, folder))))
    const meshes = await Promise.all(options.map((each) => Mesh.start(each)))
    try {
      const first = { host: '127.0.0.1', port: options[0]!.hub!.clusterPort }
      for (const mesh of meshes.slice(1)) await mesh.setRoutes('hub', [first])
      await run(meshes, options)
    } finally {
      await Promise.all(meshes.map((mesh) => mesh[Symbol.asyncDispose]()))
    }
  })
}

/** A client with all the rights that a node's own connection to its leaf has. The folder is the mesh's. */
export async function intruderOn(folder: string, certificateAuthority?: string): Promise<NatsConnection> {
  const { accounts, listen } = JSON.parse(await readFile(join(folder, 'leaf.conf'), 'utf8'))
  const { user, password } = accounts.DATA.users[0]
  return connect({
    servers: listen,
    user,
    pass: password,
    maxReconnectAttempts: 0,
    ...(certificateAuthority ? { tls: { caFile: certificateAuthority } } : {}),
  })
}
