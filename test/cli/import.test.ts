import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { bar } from '../../src/cli/progress.js'
import { type TestNode, withNode } from '../support/node.js'
import { asAdmin, trellis } from '../support/trellis.js'

describe('trellis import', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'trellis-import-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const rows = (node: TestNode) => {
    using snapshot = node.node.services.tables.snapshot()
    return [...snapshot.table('dev', 'dog')!.scan()]
  }
  const into = ['--database', 'dev', '--table', 'dog']

  it('loads a file that is larger than one request, once however often it is given', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const lines = Array.from({ length: 60_000 }, (_, n) => `${n},"dog, ${n}","two\nlines ${'x'.repeat(30)}"`)
      const file = write('dogs.csv', `n,name,note\r\n${lines.join('\r\n')}`)
      for (let time = 0; time < 2; time++) {
        const { code, out } = await trellis(['import', file, ...into], { environment: asAdmin(node) })
        expect(code).to.equal(0)
        expect(out).to.match(/^Loaded 60,000 of 60,000 rows in [\d.]+ s/)
        expect(new Set(rows(node).map(({ n }) => n)).size).to.equal(60_000)
        expect(rows(node).length, `time ${time}`).to.equal(60_000)
      }
    }))

  it('says what the same command has loaded before, and loads it --again', () =>
    withNode(async (node) => {
      const environment = asAdmin(node)
      const file = write('dogs.csv', 'n\n1\n2\n')
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'n' })
      const load = async (...more: string[]) => {
        const { out } = await trellis(['import', file, ...into, ...more], { environment })
        return [out.split('\n')[1], rows(node).length]
      }
      expect(await load()).to.deep.equal(['', 2])
      await node.ok({ operation: 'delete', database: 'dev', table: 'dog', ids: [1, 2] })
      // An answer tells its time in seconds.
      const loaded = Date.now()
      const timeOfAnswer = async () => Date.parse((await fetch(`${node.url}/ping`)).headers.get('date')!)
      while ((await timeOfAnswer()) <= loaded) await new Promise((resolve) => setTimeout(resolve, 20))
      const before = 'The same command has loaded 2 of them before, which were not loaded now; --again does.'
      expect(await load()).to.deep.equal([before, 0])
      expect(await load('--again')).to.deep.equal(['', 2])
    }))

  it('says at Ctrl-C how to go on, and the same command does', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const file = write('dogs.csv', `n,note\n${`1,${'x'.repeat(90)}\n`.repeat(100_000)}`)
      const hasBegun = async () => {
        while (rows(node).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      }
      const options = { environment: asAdmin(node) }
      const stopped = await trellis(['import', file, ...into], { ...options, interrupt: hasBegun() })
      expect(stopped.code).to.equal(130)
      expect(stopped.err).to.contain('The same command goes on')
      expect(rows(node).length).to.be.below(100_000)
      expect((await trellis(['import', file, ...into], options)).out).to.contain('Loaded 100,000 of 100,000 rows')
      expect(rows(node).length).to.equal(100_000)
    }))

  it('names the rows that could not be taken by their line in the file, and ends with 1', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const file = write('dogs.csv', 'id,name\n1,a\n2\n3,"c\nc"\n4,d,e\n')
      const { code, out } = await trellis(['import', file, ...into], { environment: asAdmin(node) })
      expect(code).to.equal(1)
      expect(out)
        .to.contain('Loaded 2 of 4 rows')
        .and.contain('line 3: has 1 fields')
        .and.contain('line 6: has 3 fields')
      const json = await trellis(['import', write('x.ndjson', '{"id":7}\nx\n'), ...into, '--json'], {
        environment: asAdmin(node),
      })
      expect(JSON.parse(json.out)).to.include({ rows: 1, written: 1, errors_total: 1 })
      expect(JSON.parse(json.out).errors[0].line).to.equal(2)
    }))

  it('takes lines of JSON and JSON arrays, and does what --action says', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const environment = asAdmin(node)
      await trellis(['import', write('a.json', '[{"id":1,"name":"a"},{"id":2,"tags":["x"]}]'), ...into], {
        environment,
      })
      await trellis(['import', write('b.jsonl', '{"id":1,"name":"b"}\n'), ...into, '--action', 'update'], {
        environment,
      })
      expect(rows(node).map(({ id, name, tags }) => ({ id, name, tags }))).to.deep.equal([
        { id: 1, name: 'b', tags: undefined },
        { id: 2, name: undefined, tags: ['x'] },
      ])
    }))

  it('waits for jobs when it is told to, and ends with 1 when they fail', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const environment = asAdmin(node)
      const load = ['csv_data_load', '--wait', 'database=dev', 'table=dog']
      const done = await trellis([...load, 'data=id\n1\n2\n'], { environment })
      expect(done.code).to.equal(0)
      expect(done.out)
        .to.contain('successfully loaded 2 of 2 records')
        .and.match(/^status +COMPLETE$/m)
      const failed = await trellis(['export_local', '--wait', 'database=dev', 'table=dog', 'format=csv'], {
        environment,
      })
      expect(failed).to.include({ code: 1, out: '' })
      expect(failed.err).to.contain('set jobs.export_dir to a folder that exists')
    }))

  it('refuses what it would store with other characters, or would not tell of', () =>
    withNode(async (node) => {
      const environment = asAdmin(node)
      await node.ok({ operation: 'create_table', table: 'dog', primary_key: 'id' })
      const importing = async (name: string, content: string | Buffer, table = 'dog') => {
        const file = join(node.folder, name)
        writeFileSync(file, content)
        const { code, out, err } = await trellis(['import', file, '--table', table], { environment })
        return [code, out.replace(/ in .*/s, '') + err.split('\n')[0]!.replace(file, 'FILE')]
      }
      const latin = Buffer.from('id,name\n1,a\n2,caf\xe9\n', 'latin1')
      const refusal = (line: number) => [
        2,
        `trellis: FILE is not UTF-8 near line ${line}: convert it first, as with iconv.`,
      ]
      expect(await importing('a.csv', latin)).to.deep.equal(refusal(3))
      expect(await importing('a.ndjson', Buffer.from('{"id":"\xe9"}', 'latin1'))).to.deep.equal(refusal(1))
      expect(await importing('a.json', Buffer.from('[\n"\xe9"]', 'latin1'))).to.deep.equal(refusal(2))
      for (const [name, empty] of Object.entries({ 'b.csv': 'id,name', 'b.ndjson': '', 'b.json': '[]' })) {
        expect(await importing(name, empty)).to.deep.equal([0, 'Loaded 0 of 0 rows'])
        expect(await importing(name, empty, 'none')).to.deep.equal([1, "trellis: Table 'data.none' does not exist"])
      }
      expect(await importing('c.csv', '')).to.deep.equal([
        1,
        'trellis: The CSV is empty: its first line must name the columns.',
      ])
      expect(await importing('d.json', '\ufeff[{"id":7}]')).to.deep.equal([0, 'Loaded 1 of 1 rows'])
      const device = await trellis(['import', '/dev/null', '--table', 'dog'], { environment })
      expect([device.code, device.err.split('\n')[0]]).to.deep.equal([
        2,
        'trellis: /dev/null is not a file: what comes through a pipe has to be stored in one first.',
      ])
    }))

  it('says what is missing', async () => {
    expect(await trellis(['import', 'x.csv'])).to.deep.include({ code: 2, out: '' })
    expect((await trellis(['import', join(folder, 'none.csv'), ...into])).code).to.equal(2)
    expect((await trellis(['import', write('x.json', '{}'), ...into])).err).to.contain('must be a JSON array')
    await withNode(async (node) => {
      const unknown = await trellis(['import', write('x.csv', 'id\n1\n'), ...into], { environment: asAdmin(node) })
      expect(unknown).to.include({ code: 1 })
      expect(unknown.err).to.contain("Table 'dev.dog' does not exist")
    })
  })

  it('draws its bar', () => {
    expect(bar(0.5, 1200, 2)).to.equal(`[${'█'.repeat(15)}${'░'.repeat(15)}]  50 %  1,200 rows  600 rows/s`)
    expect(bar(2, 0, 0)).to.contain('100 %')
    for (let columns = 10; columns < 100; columns++)
      expect(bar(0.5, 123_456, 2, columns).length, `on ${columns} columns`).to.be.below(columns)
    expect(bar(0.5, 1200, 2, 50)).to.equal(`[${'█'.repeat(9)}${'░'.repeat(8)}]  50 %  1,200 rows  600 rows/s`)
  })
})

describe('trellis restore', () => {
  it('makes a data folder from a backup, and refuses what is not one', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_database', database: 'dev' })
      const file = join(node.folder, 'backup.tar')
      expect((await trellis(['create_backup', '--output', file], { environment: asAdmin(node) })).code).to.equal(0)
      const none = await trellis(['restore', join(node.folder, 'none.tar'), '--data_dir', join(node.folder, 'x')])
      expect(none).to.include({ code: 2, out: '' })
      expect(none.err).to.contain('ENOENT').and.not.contain('    at ')
      const folder = join(node.folder, 'restored')
      const done = await trellis(['restore', file, '--data_dir', folder])
      expect(done).to.include({ code: 0 })
      expect(done.out).to.contain('every sum is right').and.contain(`trellis start --data_dir ${folder}`)
      const again = await trellis(['restore', file, '--data_dir', folder])
      expect(again).to.include({ code: 1, out: '' })
      expect(again.err).to.contain('is not empty')
      writeFileSync(file, 'something else')
      expect((await trellis(['restore', file, '--data_dir', `${folder}2`])).err).to.contain('The backup cannot be used')
    }))
})
