import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually } from '../support/eventually.js'
import { type KillableNode, startKillable } from '../support/killable-node.js'
import { ADMIN, basic } from '../support/node.js'
import { withFolder } from '../support/store.js'

const brokenNode = fileURLToPath(new URL('../support/broken-disk-node.js', import.meta.url))

/**
 * Lets every flush fail with EIO as long as the file exists that BREAK_FLUSH names, and every write of the first two
 * pages, which say what is valid, while that of BREAK_META does.
 */
const SHIM = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int is_broken(const char *name) { const char *flag = getenv(name); return flag && access(flag, F_OK) == 0; }
static int flush(int fd, const char *name) {
  if (is_broken("BREAK_FLUSH")) { errno = EIO; return -1; }
  return ((int (*)(int)) dlsym(RTLD_NEXT, name))(fd);
}
static ssize_t put(int fd, const void *bytes, size_t length, off_t offset, const char *name) {
  if (offset < 8192 && is_broken("BREAK_META")) { errno = EIO; return -1; }
  return ((ssize_t (*)(int, const void *, size_t, off_t)) dlsym(RTLD_NEXT, name))(fd, bytes, length, offset);
}
int fdatasync(int fd) { return flush(fd, "fdatasync"); }
int fsync(int fd) { return flush(fd, "fsync"); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { return put(fd, b, n, o, "pwrite"); }
ssize_t pwrite64(int fd, const void *b, size_t n, off_t o) { return put(fd, b, n, o, "pwrite64"); }
`

/** Answers its path. */
function makeShim(folder: string): string {
  const shim = join(folder, 'shim.so')
  execFileSync('cc', ['-shared', '-fPIC', '-x', 'c', '-o', shim, '-', '-ldl'], { input: SHIM })
  return shim
}

const hasCompiler = () => process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0

interface Answer {
  status: number
  body: Record<string, unknown>
}

async function ask({ url }: KillableNode, path: string, request?: object): Promise<Answer> {
  const headers = { authorization: basic(ADMIN), 'content-type': 'application/json' }
  const response = await fetch(
    `${url}${path}`,
    request ? { method: 'POST', headers, body: JSON.stringify(request) } : {},
  )
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

const insert = (node: KillableNode, id: number) =>
  ask(node, '/', { operation: 'insert', table: 'dog', records: [{ id, note: 'x'.repeat(100) }] })

const read = async (node: KillableNode, ids: number[]) => {
  const { status, body } = await ask(node, '/', {
    operation: 'search_by_id',
    table: 'dog',
    ids,
    get_attributes: ['id'],
  })
  expect(status).to.equal(200)
  return (body as unknown as { id: number }[]).map(({ id }) => id)
}

/** Kept when the file cannot be written any more. */
async function breakFile({ child, errors }: KillableNode): Promise<void> {
  child.kill('SIGUSR2')
  await eventually('the file cannot be written', () => /descriptors broken: [1-9]/.test(errors()))
}

/** Writes, breaks the disk under other writers, looks at what the node says, and starts it again on a sound disk. */
async function tryBreaking(folder: string, node: KillableNode, breakDisk: () => void | Promise<void>): Promise<void> {
  const stored: number[] = []
  await ask(node, '/', { operation: 'create_table', table: 'dog', primary_key: 'id' })
  for (let id = 0; id < 20; id++) if ((await insert(node, id)).status === 200) stored.push(id)
  expect(stored).to.have.lengthOf(20)
  await breakDisk()
  const uncertain: number[] = []
  const codes = new Set<unknown>()
  const write = async (id: number) => {
    const { status, body } = await insert(node, id)
    if (status === 200) stored.push(id)
    else {
      expect(status).to.equal(503)
      codes.add(body['code'])
      if (body['code'] === 'outcome_unknown') {
        uncertain.push(id)
        expect(body['detail']).to.match(/may or may not have been stored\. Restart the node/)
      }
    }
  }
  for (let id = 100; !codes.has('storage_unavailable'); id += 16)
    await Promise.all(Array.from({ length: 16 }, (_, n) => write(id + n)))
  expect([...codes].sort()).to.deep.equal(['outcome_unknown', 'storage_unavailable'])
  for (let id = 1000; id < 1020; id++)
    expect((await insert(node, id)).body['code'], 'sticky').to.equal('storage_unavailable')
  const drop = { operation: 'drop_table', table: 'dog' }
  expect((await ask(node, '/', drop)).body['code'], 'for other changes too').to.equal('storage_unavailable')
  expect(await read(node, stored), 'reads go on').to.deep.equal(stored)
  expect(await ask(node, '/ready')).to.have.nested.property('body.code', 'storage_unavailable')
  expect((await ask(node, '/health')).status).to.equal(200)
  expect(node.errors()).to.include('takes no more writes until the node is restarted').and.to.not.include('unhandled')
  node.child.kill('SIGTERM')
  // lmdb-js has overrun the memory of its message (100 bytes) when a write failed: the process may notice when it ends.
  const [code, signal] = (await once(node.child, 'exit')) as [number | null, string | null]
  expect(code ?? signal, node.errors()).to.be.oneOf([0, 'SIGABRT'])
  await using again = await startKillable(folder)
  expect((await ask(again, '/ready')).status).to.equal(200)
  expect(await read(again, stored), 'what was acknowledged').to.deep.equal(stored)
  expect(await read(again, [1000, 1019]), 'what was refused').to.deep.equal([])
  expect([0, uncertain.length]).to.include((await read(again, uncertain)).length, 'a commit is whole or not at all')
  expect((await insert(again, 2000)).status).to.equal(200)
}

describe('a disk that fails', () => {
  it('in writing: refuses writes and says what is uncertain, goes on reading, and loses nothing that it acknowledged', async function () {
    if (process.platform !== 'linux') this.skip()
    await withFolder(async (folder) => {
      const environment = { TRELLIS_LOG_LEVEL: 'error', BROKEN_FILE: '/records/data.mdb' }
      await using node = await startKillable(folder, environment, brokenNode)
      await tryBreaking(folder, node, () => breakFile(node))
    })
  })

  it('in writing events: refuses events, and goes on with what is stored and with records', async function () {
    if (process.platform !== 'linux') this.skip()
    await withFolder(async (folder) => {
      const environment = { TRELLIS_LOG_LEVEL: 'error', BROKEN_FILE: '/events/0.mdb' }
      await using node = await startKillable(folder, environment, brokenNode)
      const columns = [{ name: 'page', type: 'text' }]
      await ask(node, '/', { operation: 'create_table', table: 'clicks', kind: 'events', columns })
      await ask(node, '/', { operation: 'create_table', table: 'dog', primary_key: 'id' })
      const insertEvents = (from: number) => {
        const events = Array.from({ length: 20 }, (_, n) => ({
          person: `p${from + n}`,
          stamp: 1e12,
          action: 'click',
          _: { page: 'x' },
        }))
        return ask(node, '/', { operation: 'insert_events', table: 'clicks', events })
      }
      const script = 'match:\n    tally("all")\n'
      const query = (of: KillableNode) =>
        ask(of, '/', { operation: 'query_events', table: 'clicks', segments: '*', script })
      const peopleIn = ({ status, body }: Answer) => {
        expect(status, JSON.stringify(body)).to.equal(200)
        return (body as unknown as { _: { c: number[] }[] })._[0]!.c[0]
      }
      expect((await insertEvents(0)).body).to.include({ inserted: 20 })
      await breakFile(node)
      const failed = await insertEvents(100)
      expect(failed).to.deep.include({ status: 503 })
      // A fold may have been the first to fail: then the insert has not even begun.
      expect(failed.body['code']).to.be.oneOf(['outcome_unknown', 'storage_unavailable', 'storage_unreadable'])
      for (const from of [200, 300]) {
        const refused = await insertEvents(from)
        expect(refused).to.deep.include({ status: 503 }).and.to.have.nested.property('body.code', 'storage_unavailable')
      }
      // Where the page could not be written that says what is valid, nothing can be read: the test below.
      const asked = await query(node)
      if (asked.status === 503) expect(asked.body['code']).to.equal('storage_unreadable')
      else expect(peopleIn(asked), 'what is stored').to.be.within(20, 40)
      expect(await ask(node, '/ready')).to.deep.include({ status: 503 })
      expect((await ask(node, '/health')).status).to.equal(200)
      expect((await insert(node, 1)).status, 'records are elsewhere').to.equal(200)
      expect(node.errors())
        .to.include('takes no more writes until the node is restarted')
        .and.to.not.include('unhandled')
      await node.kill()
      await using again = await startKillable(folder)
      expect((await ask(again, '/ready')).status).to.equal(200)
      expect(peopleIn(await query(again))).to.be.within(20, 40)
      expect(await read(again, [1])).to.deep.equal([1])
    })
  })

  it('in flushing: does the same as in writing', async function () {
    if (!hasCompiler()) this.skip()
    await withFolder(async (folder) => {
      const flag = join(folder, 'broken')
      const environment = { TRELLIS_LOG_LEVEL: 'error', LD_PRELOAD: makeShim(folder), BREAK_FLUSH: flag }
      const data = join(folder, 'data')
      await using node = await startKillable(data, environment)
      await tryBreaking(data, node, () => writeFileSync(flag, ''))
      rmSync(flag)
    })
  })

  it('in writing what is valid: says that nothing can be read either, and loses nothing that it acknowledged', async function () {
    if (!hasCompiler()) this.skip()
    await withFolder(async (folder) => {
      const flag = join(folder, 'broken')
      const environment = { TRELLIS_LOG_LEVEL: 'error', LD_PRELOAD: makeShim(folder), BREAK_META: flag }
      const data = join(folder, 'data')
      await using node = await startKillable(data, environment)
      const columns = [{ name: 'page', type: 'text' }]
      const requests = {
        create: { operation: 'create_table', table: 'clicks', kind: 'events', columns },
        insert: {
          operation: 'insert_events',
          table: 'clicks',
          events: [{ person: 'p', stamp: 1e12, action: 'a', _: {} }],
        },
        query: { operation: 'query_events', table: 'clicks', segments: '*', script: 'match:\n    tally("all")\n' },
      }
      await ask(node, '/', { operation: 'create_table', table: 'dog', primary_key: 'id' })
      for (const request of Object.values(requests)) expect((await ask(node, '/', request)).status).to.equal(200)
      expect((await insert(node, 1)).status).to.equal(200)
      writeFileSync(flag, '')
      expect((await insert(node, 2)).body).to.include({ status: 503, code: 'outcome_unknown' })
      const again = { ...requests.insert, events: [{ person: 'q', stamp: 1e12, action: 'a', _: {} }] }
      expect((await ask(node, '/', again)).status).to.equal(503)
      expect((await insert(node, 3)).body).to.include({ status: 503, code: 'storage_unavailable' })
      const search = { operation: 'search_by_id', table: 'dog', ids: [1], get_attributes: ['id'] }
      for (const request of [search, requests.query]) {
        const { status, body } = await ask(node, '/', request)
        expect({ status, code: body['code'] }, node.errors()).to.deep.equal({ status: 503, code: 'storage_unreadable' })
      }
      expect((await ask(node, '/health')).status).to.equal(200)
      expect((await ask(node, '/ready')).status).to.equal(503)
      expect(node.errors()).to.not.match(/unhandled|internal error/)
      await node.kill()
      rmSync(flag)
      await using sound = await startKillable(data)
      expect(await read(sound, [1, 3])).to.deep.equal([1])
      expect((await ask(sound, '/', requests.query)).status).to.equal(200)
      expect((await insert(sound, 4)).status).to.equal(200)
    })
  })
})
