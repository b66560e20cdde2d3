import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { parseBlock, parseHeader } from '../../src/jobs/load/parse.js'
import { BLOCK_BYTES, blocksOf, fileSource } from '../../src/jobs/load/source.js'
import { type Field, QUOTED_EMPTY, readerOf } from '../../src/jobs/load/values.js'

const quoted = (field: string) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)
const columns = { names: ['a', 'b'], readers: [readerOf('text', false), readerOf('text', false)] }

/** Rows of two texts that hold what is hard in a CSV; long ones, so that blocks end within them. */
const rows = fc.array(
  fc.tuple(
    fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', 'é', '日'), maxLength: 30 }).map((text) => `x${text}`),
    fc.integer({ min: 0, max: 3000 }).map((length) => 'y\n'.repeat(length)),
  ),
  { maxLength: 60 },
)

describe('the blocks of a load', () => {
  it('hold whole records: all of them together are the input, read from memory or from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-blocks-'))
    try {
      await fc.assert(
        fc.asyncProperty(rows, async (rows) => {
          const text = rows.map((row) => row.map(quoted).join(',')).join('\n')
          const wanted = rows.map(([a, b]) => ({ a, b }))
          const inMemory = [...blocksOf(Buffer.from(text), 'csv')].map((block) => block.toString())
          expect(inMemory.join('')).to.equal(text)
          const parsed = inMemory.map((text) =>
            parseBlock({ text, line: 1, bytes: 0, next: { offset: 0, line: 0 } }, 'csv', columns),
          )
          expect(parsed.flatMap(({ records }) => records)).to.deep.equal(wanted)
          const path = join(folder, 'rows.csv')
          writeFileSync(path, text)
          await using file = await open(path)
          const source = fileSource(file, 'csv')
          const read = []
          let lines = 1
          for (let block = await source.read({ offset: 0, line: 1 }); block; block = await source.read(block.next)) {
            expect(block.line).to.equal(lines)
            lines += block.text.split('\n').length - 1
            read.push(...parseBlock(block, 'csv', columns).records)
          }
          expect(read).to.deep.equal(wanted)
        }),
        { numRuns: 30 },
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('are small where records are small', () => {
    const text = 'some,row\n'.repeat(50_000)
    const blocks = [...blocksOf(Buffer.from(text), 'csv')]
    expect(blocks.length).to.equal(10) // 5,000 records each
    for (const block of blocks) expect(block.length).to.be.at.most(BLOCK_BYTES)
  })

  it('name the lines of rows that cannot be read, and read the others', () => {
    const csv = 'x1,1\nx2\nx3,"a\nb"\nx4,4,4\n"x"5,5\nx6,6\nx7",7\n\nx8,8\n'
    const { records, errors, lineOf } = parseBlock(
      { text: csv, line: 11, bytes: 0, next: { offset: 0, line: 0 } },
      'csv',
      columns,
    )
    expect(records.map(({ a }) => a)).to.deep.equal(['x1', 'x3', 'x6', 'x8'])
    expect(errors.map(({ line }) => line).sort()).to.deep.equal([12, 15, 16, 18])
    expect(errors.map(({ reason }) => reason).join())
      .to.contain('has 1 fields instead of 2')
      .and.contain('has 3 fields instead of 2')
    expect([0, 1, 2, 3].map(lineOf)).to.deep.equal([11, 13, 17, 20])
    const clean = parseBlock(
      { text: 'a,1\n\n"b\n",2\nc,3', line: 5, bytes: 0, next: { offset: 0, line: 0 } },
      'csv',
      columns,
    )
    expect([0, 1, 2].map(clean.lineOf)).to.deep.equal([5, 7, 9])
    const json = parseBlock(
      { text: '{"a":1}\n\n[1]\n{"a":\n{"a":2}', line: 1, bytes: 0, next: { offset: 0, line: 0 } },
      'ndjson',
      columns,
    )
    expect(json.records).to.deep.equal([{ a: 1 }, { a: 2 }])
    expect(json.errors.map(({ line }) => line)).to.deep.equal([3, 4])
    expect(json.lineOf(1)).to.equal(5)
  })

  it('keep a column called __proto__ as a member of each record', () => {
    // An object would become the prototype, and its members new columns.
    const block = { text: '1,"{""b"":2}"\n', line: 2, bytes: 14, next: { offset: 14, line: 3 } }
    const read = { names: ['a', '__proto__'], readers: [readerOf('int'), readerOf('json')] }
    const [record] = parseBlock(block, 'csv', read).records
    expect(Object.entries(record!)).to.deep.equal([
      ['a', 1],
      ['__proto__', { b: 2 }],
    ])
  })

  it('lose one line to a quote that is in its place, is never closed, or is closed by that of another line', () => {
    const rows = Array.from({ length: 40_000 }, (_, index) => `${index},name ${index}`)
    for (const [stray, later] of [
      ['10,5" pipe', ''],
      ['10,"5 pipe', ''],
      ['10,"5 pipe', '30000,"x, y"'],
      ['10,5" pipe', '30000,"x\ny"'],
    ]) {
      const changed = rows.map((row, index) => (index === 10 ? stray : index === 30_000 && later ? later : row))
      const blocks = [...blocksOf(Buffer.from(`${changed.join('\n')}\n`), 'csv')].map((block) => block.toString())
      const parsed = blocks.map((text) =>
        parseBlock({ text, line: 1, bytes: 0, next: { offset: 0, line: 0 } }, 'csv', columns),
      )
      expect(blocks.join('')).to.equal(`${changed.join('\n')}\n`)
      expect(Math.max(...parsed.map(({ records }) => records.length))).to.be.at.most(5000)
      expect(
        parsed.flatMap(({ errors }) => errors),
        stray,
      ).to.have.length(1)
      expect(
        parsed.flatMap(({ records }) => records).map(({ a }) => a),
        stray,
      ).to.deep.equal(rows.flatMap((_, index) => (index === 10 ? [] : [String(index)])))
    }
    // As many lines as a record may have bytes.
    const endless = Buffer.from(`"${'a,b\n'.repeat(3_000_000)}`)
    const [first] = blocksOf(endless, 'csv')
    expect(first!.toString()).to.equal('"a,b\n')
  })

  it('end their lines as each is ended, whatever stands in a field first', () => {
    const read = (text: string) =>
      parseBlock({ text, line: 2, bytes: 0, next: { offset: 0, line: 0 } }, 'csv', columns).records.map(Object.values)
    for (const text of ['1,a\rb\n2,c\n', '1,a\rb\r\n2,c\r\n', '1,"a\rb"\n2,c\r\n', '\r\n\n1,a\rb\n2,c'])
      expect(read(text), JSON.stringify(text)).to.deep.equal([
        ['1', 'a\rb'],
        ['2', 'c'],
      ])
    expect(parseHeader('id,"a\rb"\r\n')).to.deep.equal(['id', 'a\rb'])
    expect(() => parseHeader('id,n\r1,a\r2,b\r')).to.throw('carriage returns alone')
  })

  it('are refused when their first line does not name each column once', () => {
    expect(parseHeader('\ufeffid,"full, name"\n')).to.deep.equal(['id', 'full, name'])
    for (const header of ['', '\n', 'a,a\n', 'a,,b\n', '"a'])
      expect(() => parseHeader(header), header)
        .to.throw()
        .with.property('code', 'input_invalid')
  })
})

describe('the values of a CSV', () => {
  it('are read by the type of their column', () => {
    const as = (type?: string, nullable?: boolean) => (field: Field) => readerOf(type, nullable)(field)
    const any = as()
    expect(
      ['1', '-2.5', '007', '1e3', '12345678901234567890', 'true', 'null', '', 'abc', '{"a":[1]}', '{x', '-'].map(any),
    ).to.deep.equal([1, -2.5, '007', '1e3', '12345678901234567890', true, null, null, 'abc', { a: [1] }, '{x', '-'])
    expect(['007', '', '1e3', 'x'].map(as('int'))).to.deep.equal([7, null, 1000, 'x'])
    const texts: Field[] = ['1', '', QUOTED_EMPTY, 'true']
    expect(texts.map(as('text'))).to.deep.equal(['1', null, '', 'true'])
    expect(texts.map(as('text', false))).to.deep.equal(['1', '', '', 'true'])
    expect(['true', 'false', '', '1', '0', '2'].map(as('bool'))).to.deep.equal([true, false, null, true, false, '2'])
    expect(['[1]', '', 'x'].map(as('json'))).to.deep.equal([[1], null, 'x'])
  })
})
