import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { type Manifest, pack, readBackup, restoreFolder, unpack } from '../../src/backup/index.js'
import { connect } from '../../src/client/index.js'
import { loadConfig } from '../../src/config/index.js'
import { ADMIN, onNode, type TestNode, withNode } from '../support/node.js'

const { storage: settings } = loadConfig()
const manifest: Manifest = { format: 1, version: '0', node: 'n', incarnation: 'i', taken: 0 }

interface Status {
  incarnation: string
  restored_from?: { id: string; taken: number }
}

describe('the file of a backup', () => {
  let base: string
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'trellis-backup-'))
    mkdirSync(join(base, 'in/sub'), { recursive: true })
    writeFileSync(join(base, 'in/a.bin'), Buffer.alloc(100_000, 7))
    writeFileSync(join(base, 'in/sub/empty'), '')
    writeFileSync(join(base, 'in/sub/b.txt'), 'b'.repeat(512))
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  const packed = async () => {
    const pieces: Uint8Array[] = []
    for await (const piece of pack(join(base, 'in'), manifest)) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  /** As a network would bring it: in pieces that end anywhere. */
  const inPieces = (bytes: Buffer, size: number) =>
    Readable.from(
      Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size)),
    )
  const unpacked = (bytes: Buffer, size = 1000) => unpack(inPieces(bytes, size), join(base, 'out'))

  it('comes back as it was, whatever the size of the pieces', async () => {
    const bytes = await packed()
    for (const size of [1, 511, 512, 1 << 20]) {
      expect(await unpacked(bytes, size)).to.deep.equal(manifest)
      for (const name of ['a.bin', 'sub/empty', 'sub/b.txt'])
        expect(readFileSync(join(base, 'out', name)).equals(readFileSync(join(base, 'in', name))), name).to.equal(true)
      rmSync(join(base, 'out'), { recursive: true })
    }
  }).timeout(30_000)

  it('is refused when any byte of it is another one, and when it ends too early', async () => {
    const bytes = await packed()
    const outcome = async (damaged: Buffer) => {
      rmSync(join(base, 'out'), { recursive: true, force: true })
      return await unpacked(damaged, 1 << 20).then(
        () => 'taken',
        (error: { code?: string }) => error.code,
      )
    }
    expect(await outcome(bytes)).to.equal('taken')
    for (let at = 0; at < bytes.length - 1024; at += 997) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 0x55
      const padding = bytes[at] === 0 && (await outcome(damaged)) === 'taken'
      if (!padding) expect(await outcome(damaged), `byte ${at}`).to.equal('backup_damaged')
    }
    for (const length of [0, 100, 512, 5000, bytes.length / 2, bytes.length - 1500])
      expect(await outcome(bytes.subarray(0, length)), `${length} bytes`).to.equal('backup_damaged')
  }).timeout(30_000)

  it('cannot lead out of the folder that it is unpacked to', async () => {
    const evil = await packed()
    const name = Buffer.from('sub/b.txt')
    for (const other of ['../b.txt\0', '/etc/x.tx\0', 'sub/../.x\0']) {
      const changed = Buffer.from(evil)
      const at = changed.indexOf(name)
      changed.write(other, at, 'latin1')
      // The sum of the header is made right, so that only the name is wrong.
      const header = changed.subarray(at, at + 512)
      header.fill(0x20, 148, 156)
      header.write(
        `${header
          .reduce((sum, byte) => sum + byte, 0)
          .toString(8)
          .padStart(6, '0')}\0 `,
        148,
        'latin1',
      )
      const error = await unpacked(changed).catch((caught: Error) => caught)
      expect(error).to.have.property('code', 'backup_damaged')
      expect((error as Error).message).to.contain('a file of the name')
      rmSync(join(base, 'out'), { recursive: true, force: true })
    }
    expect(existsSync(join(base, 'b.txt'))).to.equal(false)
  })
})

describe('backups', function () {
  this.timeout(60_000)
  let base: string
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'trellis-backups-'))
    mkdirSync(join(base, 'backups'))
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))
  const withBackups = <Result>(test: (node: TestNode) => Promise<Result>) =>
    withNode(test, { 'backup.dir': join(base, 'backups') })

  async function fill(node: TestNode): Promise<void> {
    await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
    const columns = [
      { name: 'id', type: 'int', auto_increment: true },
      { name: 'email', type: 'text', unique: true },
      { name: 'boss', type: 'int' },
    ]
    await node.ok({
      operation: 'create_table',
      database: 'dev',
      table: 'person',
      primary_key: 'id',
      columns,
    })
    await node.ok({
      operation: 'insert',
      database: 'dev',
      table: 'dog',
      records: Array.from({ length: 3000 }, (_, id) => ({ id, name: `dog ${id % 7}` })),
    })
    await node.ok({
      operation: 'insert',
      database: 'dev',
      table: 'person',
      records: [{ email: 'a@x' }, { email: 'b@x', boss: 1 }],
    })
  }

  const rowsOf = (node: TestNode, database: string, table: string) => {
    using snapshot = node.node.services.tables.snapshot()
    return [...snapshot.table(database, table)!.scan()]
  }

  async function job(node: TestNode, request: object) {
    const client = connect({ url: node.url, ...ADMIN })
    const { job_id } = await node.ok<{ job_id: string }>(request)
    return await client.waitForJob(job_id)
  }

  it('are taken while writing goes on, hold one moment, and come back as a folder that knows that it is a copy', () =>
    withNode(async (node) => {
      await fill(node)
      const before = await node.ok<Status>({ operation: 'status' })
      let writing = true
      let written = 0
      const writer = (async () => {
        // Two records in one transaction each: a backup holds both or neither.
        for (; writing; written++)
          await node.ok({
            operation: 'insert',
            database: 'dev',
            table: 'dog',
            records: [{ id: `a${written}` }, { id: `b${written}` }],
          })
      })()
      while (written < 5) await new Promise((resolve) => setTimeout(resolve, 5))
      const response = await connect({ url: node.url, ...ADMIN }).open('create_backup')
      expect(response.headers.get('content-type')).to.equal('application/x-tar')
      const file = join(base, 'x.tar')
      writeFileSync(file, Buffer.from(await response.arrayBuffer()), { mode: 0o600 })
      writing = false
      await writer
      expect(readdirSync(join(node.folder, 'scratch')), 'nothing is left behind').to.deep.equal([])

      const folder = join(base, 'restored')
      const done = await restoreFolder({ backup: readBackup(file), folder, settings })
      expect(done.incarnation).to.equal(before.incarnation)
      await onNode(folder, async (copy) => {
        const after = await copy.ok<Status>({ operation: 'status' })
        expect(after.incarnation).to.equal(done.restoredAs).and.not.equal(before.incarnation)
        expect(after.restored_from).to.deep.equal({ id: before.incarnation, taken: done.taken })
        const rows = rowsOf(copy, 'dev', 'dog')
        const ids = new Set(rows.map(({ id }) => id))
        const pairs = [...ids].filter((id) => typeof id === 'string')
        expect(pairs.length).to.be.at.least(10)
        for (const id of pairs) expect(ids.has(`${id[0] === 'a' ? 'b' : 'a'}${id.slice(1)}`), id).to.equal(true)
        expect(rowsOf(copy, 'dev', 'person')).to.deep.equal(rowsOf(node, 'dev', 'person'))
        expect((await copy.post({ operation: 'user_info' })).status, 'the users are there').to.equal(200)
        await copy.ok({ operation: 'insert', database: 'dev', table: 'person', records: [{ email: 'c@x' }] })
        expect(rowsOf(copy, 'dev', 'person').at(-1)).to.include({ id: 3, email: 'c@x' })
      })
      const again = await restoreFolder({ backup: readBackup(file), folder, settings }).catch((error: unknown) => error)
      expect(again).to.have.property('code', 'folder_not_empty')
    }))

  it('leave no folder when they are damaged', async () => {
    const folder = join(base, 'restored')
    const error = await restoreFolder({ backup: Readable.from([Buffer.alloc(4000, 1)]), folder, settings }).catch(
      (caught: unknown) => caught,
    )
    expect(error).to.have.property('code', 'backup_damaged')
    expect(readdirSync(base)).to.deep.equal(['backups'])
  })

  it('are written, verified and restored under a new name by jobs', () =>
    withBackups(async (node) => {
      await fill(node)
      await node.ok({ operation: 'update', database: 'dev', table: 'dog', records: [{ id: 1, name: 'new' }] })
      expect((await job(node, { operation: 'create_backup', file: 'day/monday.tar' })).message).to.match(
        /^wrote \d+ bytes/,
      )
      const verified = await job(node, { operation: 'backup_verify', file: 'day/monday.tar' })
      expect(verified.message).to.contain('2 tables with 3002 records can be read')

      const original = rowsOf(node, 'dev', 'dog')
      await node.ok({ operation: 'delete', database: 'dev', table: 'dog', ids: [1, 2, 3] })
      const restored = await job(node, {
        operation: 'restore_backup',
        file: 'day/monday.tar',
        database: 'dev',
        as: 'monday',
      })
      expect(restored.message).to.equal("restored 2 tables with 3002 records as 'monday'")
      expect(rowsOf(node, 'monday', 'dog'), 'times too').to.deep.equal(original)
      expect(rowsOf(node, 'dev', 'dog')).to.have.length(2997)
      using snapshot = node.node.services.tables.snapshot()
      const bound = { value: 'dog 3', inclusive: true }
      const found = [...snapshot.table('monday', 'dog')!.range({ attribute: 'name', from: bound, to: bound })]
      expect(found, 'the index is there').to.have.length(429)
      const taken = await node.post({
        operation: 'insert',
        database: 'monday',
        table: 'person',
        records: [{ email: 'a@x' }],
      })
      expect(taken.body, 'unique values too').to.have.property('code', 'value_taken')
      await node.ok({ operation: 'insert', database: 'monday', table: 'person', records: [{ email: 'c@x' }] })
      expect(rowsOf(node, 'monday', 'person').at(-1), 'and numbers that count up').to.include({ id: 3 })
      await node.ok({ operation: 'drop_database', database: 'monday' })
      expect(rowsOf(node, 'dev', 'person'), 'the original has data of its own').to.have.length(2)
    }))

  it('come back whole even when the node stops in the middle: the next one begins again and leaves no rest', async () => {
    const folder = join(base, 'data')
    const settings = { 'backup.dir': join(base, 'backups') }
    await onNode(
      folder,
      async (node) => {
        await fill(node)
        await job(node, { operation: 'create_backup', file: 'x.tar' })
      },
      settings,
    )
    for (const [attempt, delay] of [0, 20, 40, 80].entries()) {
      const as = `copy${attempt}`
      const id = await onNode(
        folder,
        async (node) => {
          const request = { operation: 'restore_backup', file: 'x.tar', database: 'dev', as }
          const { job_id } = await node.ok<{ job_id: string }>(request)
          await new Promise((resolve) => setTimeout(resolve, delay))
          return job_id
        },
        settings,
      )
      await onNode(
        folder,
        async (node) => {
          const done = await connect({ url: node.url, ...ADMIN }).waitForJob(id)
          expect(done.message).to.equal(`restored 2 tables with 3002 records as '${as}'`)
          expect(rowsOf(node, as, 'dog')).to.deep.equal(rowsOf(node, 'dev', 'dog'))
          await node.node.services.tables.cleaning.run()
          expect(node.node.services.catalog.leftovers()).to.deep.equal([])
          expect(rowsOf(node, as, 'person')).to.have.length(2)
        },
        settings,
      )
    }
  })

  it('are told to be damaged by backup_verify and by restore_backup, which then leaves nothing', () =>
    withBackups(async (node) => {
      await fill(node)
      await job(node, { operation: 'create_backup', file: 'x.tar' })
      const path = join(base, 'backups/x.tar')
      const bytes = readFileSync(path)
      bytes[Math.floor(bytes.length / 2)]! ^= 1
      writeFileSync(path, bytes)
      for (const request of [
        { operation: 'backup_verify', file: 'x.tar' },
        { operation: 'restore_backup', file: 'x.tar', database: 'dev', as: 'copy' },
      ]) {
        const error = await job(node, request).catch((caught: Error) => caught)
        expect(error).to.have.property('code', 'job_failed')
        expect((error as Error).message).to.contain('has another sum than it should')
      }
      expect(await node.ok({ operation: 'describe_all' })).to.have.all.keys('dev')
      expect(readdirSync(join(node.folder, 'scratch'))).to.deep.equal([])
    }))

  it('hold event tables, which come back under a new name too', () =>
    withBackups(async (node) => {
      await node.ok({
        operation: 'create_table',
        database: 'dev',
        table: 'visit',
        kind: 'events',
        columns: [{ name: 'page', type: 'text' }],
      })
      const events = Array.from({ length: 500 }, (_, n) => ({
        person: `p${n % 50}`,
        stamp: Date.now() - n * 1000,
        action: 'view',
        _: { page: `/${n % 5}` },
      }))
      await node.ok({ operation: 'insert_events', database: 'dev', table: 'visit', events })
      const count = (database: string) =>
        node.ok({ operation: 'query_column', database, table: 'visit', column: 'page' })
      const original = await count('dev')
      expect(JSON.stringify(original)).to.contain('"/3"')
      await job(node, { operation: 'create_backup', file: 'x.tar' })
      await job(node, { operation: 'restore_backup', file: 'x.tar', database: 'dev', as: 'copy' })
      expect(await count('copy')).to.deep.equal(original)
      await node.ok({
        operation: 'insert_events',
        database: 'copy',
        table: 'visit',
        events: [{ person: 'new', stamp: Date.now(), action: 'view', _: { page: '/new' } }],
      })
      expect(await count('dev')).to.deep.equal(original)
      expect(await count('copy')).not.to.deep.equal(original)
    }))

  it('are unpacked and checked by tar and sha256sum too', async () => {
    const bytes = await withNode(async (node) =>
      Buffer.from(await (await connect({ url: node.url, ...ADMIN }).open('create_backup')).arrayBuffer()),
    )
    const { execFileSync } = await import('node:child_process')
    mkdirSync(join(base, 'plain'))
    execFileSync('tar', ['xf', '-', '-C', join(base, 'plain')], { input: bytes })
    const out = execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: join(base, 'plain') }).toString()
    expect(
      out
        .trim()
        .split('\n')
        .every((line) => line.endsWith(': OK')),
    ).to.equal(true)
    expect(
      createHash('sha256')
        .update(readFileSync(join(base, 'plain/manifest.json')))
        .digest('hex'),
    ).to.have.length(64)
  })
})
