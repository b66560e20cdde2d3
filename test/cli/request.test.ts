import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { command } from '../../src/cli/help.js'
import { requestOf } from '../../src/cli/request.js'
import { type Contract, readCommonSchemas, readContracts, type Schema } from '../../src/contracts/index.js'

const contract = {
  operation: 'try',
  also_named: { schema: 'database' },
  request: {
    properties: {
      database: { $ref: '../../common/name.json' },
      limit: { type: 'integer' },
      share: { type: 'number' },
      desc: { type: 'boolean' },
      ids: { type: 'array', items: { type: ['string', 'number'] } },
      id: { type: ['string', 'number'] },
      records: { type: 'array', items: { type: 'object' } },
      value: {},
      format: { enum: ['json', 'csv'] },
      either: { oneOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }] },
    },
  } as Record<string, unknown>,
} as unknown as Contract
const common = new Map<string, Schema>([['../../common/name.json', { type: 'string' }]])
const read = (...words: string[]) => requestOf(contract, words, common)

describe('the words of a command', () => {
  it('are read by the type of their field', () => {
    expect(read('database=5', 'limit=5', 'share=0.5', 'desc=true', 'format=csv')).to.deep.equal({
      database: '5',
      limit: 5,
      share: 0.5,
      desc: true,
      format: 'csv',
    })
    expect(read('share=2')).to.deep.equal({ share: 2 })
    expect(read('schema=true')).to.deep.equal({ schema: 'true' })
  })

  it('take JSON where several types are possible, and text in quotes as text', () => {
    expect(read('id=5')).to.deep.equal({ id: 5 })
    expect(read('id="5"')).to.deep.equal({ id: '5' })
    expect(read('id=a5')).to.deep.equal({ id: 'a5' })
    expect(read('value={"a":[1]}')).to.deep.equal({ value: { a: [1] } })
    expect(read('value=a=b')).to.deep.equal({ value: 'a=b' })
  })

  it('make lists without brackets', () => {
    expect(read('ids=1,b,3')).to.deep.equal({ ids: [1, 'b', 3] })
    expect(read('ids=[1,"2"]')).to.deep.equal({ ids: [1, '2'] })
    expect(read('either=a,b')).to.deep.equal({ either: ['a', 'b'] })
    expect(read('either=null')).to.deep.equal({ either: null })
  })

  it('read files where they begin with @, and a text that begins with it after @@', () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-words-'))
    try {
      writeFileSync(join(folder, 'rows.json'), '[{"a":1}]')
      writeFileSync(join(folder, 'all.json'), '{"limit":3}')
      expect(read(`records=@${folder}/rows.json`, `@${folder}/all.json`)).to.deep.equal({
        records: [{ a: 1 }],
        limit: 3,
      })
      expect(read('database=@@home')).to.deep.equal({ database: '@home' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('of every example in the help mean its request', () => {
    const shapes = readCommonSchemas()
    for (const written of readContracts())
      for (const example of written.examples) {
        const line = command(written.operation, example)
        const out = execFileSync('sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
        const [, , ...words] = out.split('\0').slice(0, -1)
        expect(requestOf(written, words, shapes), line).to.deep.equal(example.request)
      }
    const query = readContracts().find(({ operation }) => operation === 'query_events')!
    expect(requestOf(query, ['str_size=1e3'], shapes)).to.deep.equal({ str_size: '1e3' })
  })

  it('are refused with a sentence when they fit no type', () => {
    expect(() => read('limit=abc')).to.throw("'limit' must be an integer: 'abc' is not.")
    expect(() => read('limit=1.5')).to.throw("'limit' must be an integer")
    expect(() => read('desc=yes')).to.throw("'desc' must be a boolean")
    expect(() => read('records=[1')).to.throw("'records' must be an array")
    expect(() => read('limt=1')).to.throw("Did you mean 'limit'?")
    expect(() => read('__proto__=1')).to.throw("'__proto__' is not a field")
  })
})
