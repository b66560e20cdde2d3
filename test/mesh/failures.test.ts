import { mkdir, readFile, rmdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { Problem } from '../../src/lib/index.js'
import { Mesh } from '../../src/mesh/index.js'
import { eventually } from '../support/eventually.js'
import { meshOptions, type RememberedLog, withFolder, withMeshes } from '../support/mesh.js'

const route = { host: '127.0.0.1', port: 4 }
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: Error) => (error instanceof Problem ? error.code : error.message),
  )

describe('a mesh whose files cannot be written', () => {
  it('changes no routes of a server that it cannot remember', async () => {
    await withMeshes(['a'], async ([mesh], [options]) => {
      const folder = options!.folder
      const written = async () => [
        await readFile(join(folder, 'hub.conf'), 'utf8'),
        await readFile(join(folder, 'routes.json'), 'utf8').catch(() => ''),
      ]
      await mesh!.setRoutes('hub', [{ ...route, port: 5 }])
      const before = await written()
      // Where a folder has the name of the file that is written first.
      for (const name of ['routes.json.new', 'hub.conf.candidate']) {
        await mkdir(join(folder, name))
        expect(await rejection(mesh!.setRoutes('hub', [route]))).to.match(/EISDIR/)
        await rmdir(join(folder, name))
        expect(await written()).to.deep.equal(before)
        expect(mesh!.routes.hub).to.deep.equal([{ ...route, port: 5 }])
      }
      await mesh!.setRoutes('hub', [route])
      expect(mesh!.routes.hub).to.have.length(2)
    })
  })

  it('starts its servers again all the same', async () => {
    await withMeshes(['a'], async ([mesh], [options]) => {
      const blocked = join(options!.folder, 'hub.pid.new')
      await mkdir(blocked)
      const { pid } = mesh!.servers.hub!
      process.kill(pid!, 'SIGKILL')
      const { lines } = options!.log as RememberedLog
      await eventually('its pid was not written down', () => lines.some((line) => line.includes('EISDIR')))
      await rmdir(blocked)
      await eventually('it runs', () => mesh!.servers.hub!.state === 'running' && mesh!.servers.hub!.pid !== pid)
    })
  })
})

describe('a mesh whose port another program has', () => {
  it('does not start, says so, and keeps nobody waiting', async () => {
    await withFolder(async (folder) => {
      const options = await meshOptions('a', folder)
      const other = createServer((socket) => socket.destroy())
      await new Promise<void>((resolve) => void other.listen(options.leaf.port, '127.0.0.1', resolve))
      try {
        expect(await rejection(Mesh.start(options))).to.equal('own_server_not_started')
      } finally {
        other.close()
      }
    })
  })
})

describe('an answer in parts', () => {
  it('that cannot be fetched tells why', async () => {
    await withMeshes(['a', 'b'], async ([a, b]) => {
      b!.requests.serve('large', async () => 'x'.repeat(2_000_000))
      b!.requests.serve('part', async () => {
        throw new Problem('node_busy', { node: 'b' })
      })
      await eventually('they see each other', async () => (await a!.requests.discover(200)).length === 2)
      expect(await rejection(a!.requests.ask('b', 'large', null, 5_000))).to.equal('node_busy')
    })
  })
})
