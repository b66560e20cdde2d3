import { spawn } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Mesh } from '../../src/mesh/index.js'
import { eventually } from '../support/eventually.js'
import { meshOptions, type RememberedLog, withFolder, withMeshes } from '../support/mesh.js'

const alive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => 'it resolved',
    (error: { code?: string }) => error.code,
  )

describe('the servers of a mesh node', () => {
  it('run as hub and leaf and end with the node', async () => {
    await withFolder(async (folder) => {
      const options = await meshOptions('a', folder)
      const mesh = await Mesh.start(options)
      const { hub, leaf } = mesh.servers
      expect([hub?.state, leaf.state]).to.deep.equal(['running', 'running'])
      await mesh.outbox.ensure()
      await mesh[Symbol.asyncDispose]()
      expect([alive(hub!.pid!), alive(leaf.pid!)]).to.deep.equal([false, false])
    })
  })

  it('keep their configurations and secrets to their owner', async () => {
    await withMeshes(['a'], async ([mesh], [options]) => {
      await mesh!.setRoutes('hub', [{ host: '127.0.0.1', port: 1 }])
      for (const name of ['hub.conf', 'leaf.conf', 'local.secret', 'routes.json']) {
        expect((await stat(join(options!.folder, name))).mode & 0o777, name).to.equal(0o600)
      }
      const log = (options!.log as RememberedLog).lines.join('\n')
      const route = /route:([0-9a-f]{64})@/.exec(await readFile(join(options!.folder, 'hub.conf'), 'utf8'))![1]!
      expect(log).not.to.contain(route)
      expect(log).not.to.contain(options!.secret)
    })
  })

  it('start again by themselves after kill -9, and the connection comes back', async () => {
    await withMeshes(['a'], async ([mesh]) => {
      const { hub, leaf } = mesh!.servers
      process.kill(hub!.pid!, 'SIGKILL')
      process.kill(leaf.pid!, 'SIGKILL')
      await eventually('both run again', () => {
        const now = mesh!.servers
        return now.hub!.state === 'running' && now.leaf.state === 'running' && now.leaf.pid !== leaf.pid
      })
      expect(mesh!.servers.leaf.restarts).to.equal(1)
      await eventually('the stream answers', () =>
        mesh!.outbox.ensure().then(
          () => true,
          () => false,
        ),
      )
    })
  })

  it('do not outlive a parent that is killed', async () => {
    await withFolder(async (folder) => {
      const options = await meshOptions('a', folder)
      const program = fileURLToPath(new URL('../support/mesh-process.js', import.meta.url))
      const parent = spawn(process.execPath, [program, JSON.stringify({ ...options, log: undefined })], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const line = await new Promise<string>((resolve) => parent.stdout.once('data', (data) => resolve(String(data))))
      const pids = JSON.parse(line) as number[]
      expect(pids.every(alive)).to.equal(true)
      parent.kill('SIGKILL')
      await eventually('both are gone', () => !pids.some(alive))
      const mesh = await Mesh.start(options) // Its locks and pid files are stale now, and in nobody's way.
      await mesh[Symbol.asyncDispose]()
    })
  })

  it('refuse a store that another process uses', async () => {
    await withFolder(async (folder) => {
      const options = await meshOptions('a', folder)
      const program = fileURLToPath(new URL('../support/mesh-process.js', import.meta.url))
      const parent = spawn(process.execPath, [program, JSON.stringify({ ...options, log: undefined })], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        await new Promise((resolve) => parent.stdout.once('data', resolve))
        expect(await rejection(Mesh.start(options))).to.equal('mesh_store_locked')
      } finally {
        parent.kill('SIGKILL')
      }
    })
  })

  it('say how to get nats-server when there is none', async () => {
    await withFolder(async (folder) => {
      const options = await meshOptions('a', folder, { serverPath: '/nowhere/nats-server' })
      expect(await rejection(Mesh.start(options))).to.equal('nats_server_missing')
    })
  })

  it('refuse plain text beyond loopback, and routes without a secret', async () => {
    await withFolder(async (folder) => {
      expect(await rejection(Mesh.start(await meshOptions('a', folder, { host: '0.0.0.0' })))).to.equal(
        'mesh_needs_tls',
      )
    })
    await withMeshes(['a'], async ([mesh]) => {
      expect(await rejection(mesh!.setRoutes('hub', [{ host: '192.0.2.1', port: 9932 }]))).to.equal('mesh_needs_tls')
    })
    await withMeshes(
      ['a'],
      async ([mesh]) => {
        expect(await rejection(mesh!.setRoutes('hub', [{ host: '127.0.0.1', port: 1 }]))).to.equal('mesh_needs_secret')
      },
      async () => ({ secret: '' }),
    )
  })
})

describe('routes', () => {
  it('that are set and deleted at the same moment are none of them lost', async () => {
    await withMeshes(['a'], async ([mesh]) => {
      const [one, two, three] = [1, 2, 3].map((port) => ({ host: '127.0.0.1', port }))
      await mesh!.setRoutes('hub', [one!])
      const outcomes = await Promise.all([
        mesh!.setRoutes('hub', [two!]),
        mesh!.setRoutes('hub', [three!, two!]),
        mesh!.deleteRoutes([one!]),
        mesh!.setRoutes('leaf', [three!]),
      ])
      expect(outcomes).to.deep.equal([
        { set: [two], skipped: [] },
        { set: [three], skipped: [two] },
        { deleted: [one], skipped: [] },
        { set: [three], skipped: [] },
      ])
      expect(mesh!.routes).to.deep.equal({ hub: [two, three], leaf: [three] })
    })
  })

  it('join hubs while they run, and are skipped when they are there', async () => {
    await withMeshes(['a', 'b'], async ([a, b], [options]) => {
      const pid = b!.servers.hub!.pid
      const route = { host: '127.0.0.1', port: options!.hub!.clusterPort }
      expect(await b!.setRoutes('hub', [route])).to.deep.equal({ set: [], skipped: [route] })
      a!.requests.serve('echo', async (body, from) => ({ body, from }))
      await eventually('b reaches a', () =>
        b!.requests.hello('a', 500).then(
          () => true,
          () => false,
        ),
      )
      expect(await b!.requests.ask('a', 'echo', 'hi', 20_000)).to.deep.equal({ body: 'hi', from: 'b' })
      expect(b!.servers.hub!.pid).to.equal(pid)
      expect(await b!.deleteRoutes([route])).to.deep.equal({ deleted: [route], skipped: [] })
      expect(b!.routes.hub).to.deep.equal([])
    })
  })

  it('to the own hub are refused, in whatever spelling', async () => {
    await withMeshes(['a'], async ([mesh], [options]) => {
      const { clusterPort, leafnodePort } = options!.hub!
      expect(await rejection(mesh!.setRoutes('hub', [{ host: 'localhost', port: clusterPort }]))).to.equal(
        'route_to_self',
      )
      expect(await rejection(mesh!.setRoutes('leaf', [{ host: '127.0.0.1', port: leafnodePort }]))).to.equal(
        'route_to_self',
      )
      expect(mesh!.routes).to.deep.equal({ hub: [], leaf: [] })
    })
  })

  it('need the same secret on both sides', async () => {
    await withMeshes(
      ['a', 'b'],
      async ([, b], [options]) => {
        const error = await rejection(b!.requests.hello('a', 1_500))
        expect(error).to.equal('node_unreachable')
        await eventually('the log says why', () =>
          /^warn .*authentication error/m.test((options!.log as RememberedLog).lines.join('\n')),
        )
      },
      async (name) => ({ secret: name === 'a' ? 'the right one' : 'the wrong one' }),
    )
  })
})

describe('an edge node', () => {
  it('has only a leaf and dials a hub elsewhere', async () => {
    await withFolder(async (folder) => {
      const a = await Mesh.start(await meshOptions('a', folder))
      const edge = await Mesh.start(await meshOptions('edge', folder, { hub: undefined }))
      try {
        const port = /"listen": "127.0.0.1:(\d+)"\s*\}/.exec(await readFile(join(folder, 'a', 'hub.conf'), 'utf8'))![1]!
        await edge.setRoutes('leaf', [{ host: '127.0.0.1', port: Number(port) }])
        await eventually('the edge reaches a', () =>
          edge.requests.hello('a', 500).then(
            () => true,
            () => false,
          ),
        )
      } finally {
        await edge[Symbol.asyncDispose]()
        await a[Symbol.asyncDispose]()
      }
    })
  })
})
