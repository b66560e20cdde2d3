import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
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

/** Makes the sum of a header right, so that only what was changed in it is wrong. */
function resummed(bytes: Buffer, at: number): Buffer {
  const header = bytes.subarray(at, at + 512)
  header.fill(0x20, 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}

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
  })

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
  })

  it('is refused when its headers lie about sizes', async () => {
    const bytes = await packed()
    const at = bytes.indexOf('a.bin')
    const withSize = (write: (header: Buffer) => void) => {
      const changed = Buffer.from(bytes)
      write(changed.subarray(at, at + 512))
      return resummed(changed, at)
    }
    const lies: [string, Buffer][] = [
      ['no number', withSize((header) => header.write('zzzzzzzzzzz', 124, 'latin1'))],
      ['negative', withSize((header) => header.write('-0000000001', 124, 'latin1'))],
      ['2^60', withSize((header) => header.writeBigUInt64BE(1n << 60n, header.writeUInt8(0x80, 124) + 3))],
      ['8 GB of what is not there', withSize((header) => header.write('77777777777', 124, 'latin1'))],
    ]
    for (const [what, lie] of lies) {
      rmSync(join(base, 'out'), { recursive: true, force: true })
      expect(await unpacked(lie).catch((caught: Error) => caught), what).to.have.property('code', 'backup_damaged')
    }
  })

  it('cannot lead out of the folder that it is unpacked to', async () => {
    const evil = await packed()
    const name = Buffer.from('sub/b.txt')
    for (const other of ['../b.txt\0', '/etc/x.tx\0', 'sub/../.x\0']) {
      const changed = Buffer.from(evil)
      const at = changed.indexOf(name)
      changed.write(other, at, 'latin1')
      resummed(changed, at)
      const error = await unpacked(changed).catch((caught: Error) => caught)
      expect(error).to.have.property('code', 'backup_damaged')
      expect((error as Error).message).to.contain('a file of the name')
      rmSync(join(base, 'out'), { recursive: true, force: true })
    }
    expect(existsSync(join(base, 'b.txt'))).to.equal(false)
  })
})

describe('backups', () => {
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
      const left = () => readdirSync(join(node.folder, 'scratch'))
      for (let look = 0; left().length > 0 && look < 200; look++)
        await new Promise((resolve) => setTimeout(resolve, 10))
      expect(left(), 'nothing is left behind').to.deep.equal([])

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

  it('are one moment of records and events together, for which writers wait only shortly', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const visit = { database: 'dev', table: 'visit' }
      await node.ok({ operation: 'create_table', ...visit, kind: 'events' })
      // Pages enough for the copies to take a while.
      for (let from = 0; from < 8000; from += 4000)
        await node.ok({
          operation: 'insert',
          database: 'dev',
          table: 'dog',
          records: Array.from({ length: 4000 }, (_, n) => ({ id: `old ${from + n}`, note: 'x'.repeat(500) })),
        })
      let isWriting = true
      let written = 0
      // First a record, then its events in every environment: a cut has as many of these, or one less.
      const writer = (async () => {
        for (; isWriting; written++) {
          await node.ok({ operation: 'insert', database: 'dev', table: 'dog', records: [{ id: written }] })
          const events = [1, 2, 3, 4].map((n) => ({
            person: `${written} ${n}`,
            stamp: 1e12 + written,
            action: 'view',
            _: {},
          }))
          await node.ok({ operation: 'insert_events', ...visit, events })
        }
      })()
      const client = connect({ url: node.url, ...ADMIN })
      for (let round = 0; round < 2; round++) {
        const before = written
        while (written < before + 5) await new Promise((resolve) => setTimeout(resolve, 5))
        const file = join(base, `${round}.tar`)
        const bytes = Buffer.from(await (await client.open('create_backup')).arrayBuffer())
        expect(written, 'writing went on').to.be.above(before + 5)
        writeFileSync(file, bytes, { mode: 0o600 })
      }
      isWriting = false
      await writer
      for (let round = 0; round < 2; round++) {
        const folder = join(base, `restored ${round}`)
        await restoreFolder({ backup: readBackup(join(base, `${round}.tar`)), folder, settings })
        await onNode(folder, async (copy) => {
          const records = rowsOf(copy, 'dev', 'dog').length - 8000
          const { events } = await copy.node.services.events.figures(copy.node.services.catalog.table('dev', 'visit'))
          expect(events % 4, 'no batch is cut').to.equal(0)
          expect(records - events / 4, `${records} records, ${events} events`).to.be.oneOf([0, 1])
        })
      }
    }))

  it('bring events back also where there are more or fewer environments', () =>
    withBackups(async (node) => {
      const visit = { database: 'dev', table: 'visit' }
      await node.ok({ operation: 'create_table', ...visit, kind: 'events', columns: [{ name: 'page', type: 'text' }] })
      const events = Array.from({ length: 2000 }, (_, n) => ({
        person: `p${n % 100}`,
        stamp: 1e12 + n,
        action: 'view',
        _: { page: `/${n % 7}` },
      }))
      await node.ok({ operation: 'insert_events', ...visit, events })
      const pages = { operation: 'query_column', ...visit, column: 'page' }
      const original = await node.ok(pages)
      await job(node, { operation: 'create_backup', file: 'x.tar' })
      for (const environments of [1, 3, 5]) {
        const folder = join(base, `with ${environments}`)
        mkdirSync(join(folder, 'events'), { recursive: true })
        writeFileSync(join(folder, 'events/format.json'), JSON.stringify({ format: 1, environments }))
        await onNode(
          folder,
          async (other) => {
            await job(other, { operation: 'restore_backup', file: 'x.tar', database: 'dev', as: 'copy' })
            expect(await other.ok({ ...pages, database: 'copy' })).to.deep.equal(original)
            const again = await other.ok({ operation: 'insert_events', ...visit, database: 'copy', events })
            expect(again, 'every event is known where it lies').to.have.property('inserted', 0)
          },
          { 'backup.dir': join(base, 'backups') },
        )
      }
    }))

  it('come into a folder that is there, as the volume of a container, and a node waits until they are whole', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-volume-'))
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=192m', 'tmpfs', folder]).status === 0
    try {
      await withNode(async (node) => {
        await fill(node)
        const response = await connect({ url: node.url, ...ADMIN }).open('create_backup')
        const backup = Buffer.from(await response.arrayBuffer())
        mkdirSync(join(folder, 'lost+found'))
        const damaged = await restoreFolder({
          backup: Readable.from([backup.subarray(0, 9000)]),
          folder,
          settings,
        }).catch((error: unknown) => error)
        expect(damaged).to.have.property('code', 'backup_damaged')
        expect(readdirSync(folder)).to.deep.equal(['lost+found'])
        // What a process leaves that was killed before its last step.
        for (const name of ['.restoring/records', 'events']) mkdirSync(join(folder, name), { recursive: true })
        const early = await onNode(folder, async () => {}).catch((error: unknown) => error)
        expect(String(early)).to.contain('a backup is being restored into it')
        await restoreFolder({ backup: Readable.from([backup]), folder, settings })
        expect(readdirSync(folder).sort()).to.deep.equal(['events', 'lost+found', 'records', 'restored'])
        mkdirSync(join(folder, '.restoring')) // killed when all was in its place
        await onNode(folder, async (copy) =>
          expect(rowsOf(copy, 'dev', 'dog')).to.deep.equal(rowsOf(node, 'dev', 'dog')),
        )
        writeFileSync(join(folder, '.restoring'), '')
        const full = await restoreFolder({ backup: Readable.from([backup]), folder, settings }).catch(
          (error: unknown) => error,
        )
        expect(full).to.have.property('code', 'folder_not_empty')
      })
    } finally {
      if (mounted) spawnSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('are not read where the folder cannot be made in the end, behind a link that leads nowhere', async () => {
    const folder = join(base, 'link')
    symlinkSync(join(base, 'nowhere'), folder)
    const error = await restoreFolder({ backup: Readable.from([Buffer.alloc(4000, 1)]), folder, settings }).catch(
      (caught: unknown) => caught,
    )
    rmSync(folder)
    expect(error).to.have.property('code', 'data_folder_unusable')
  })

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
      const { catalog, tables, node: info } = node.node.services
      const gone = tables.changes.removedUpTo(catalog.table('monday', 'dog').id, info.name)
      expect(gone, 'nodes that share it ask for a full copy').to.be.above(0)
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
      const verified = await job(node, { operation: 'backup_verify', file: 'x.tar' })
      expect(verified.message).to.contain('0 tables with 0 records and 1 of people with 500 events can be read')
      const restored = await job(node, { operation: 'restore_backup', file: 'x.tar', database: 'dev', as: 'copy' })
      expect(restored.message).to.equal("restored 1 tables with 0 records and 500 events as 'copy'")
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
