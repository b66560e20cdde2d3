import { expect } from 'chai'
import { type TestNode, withNode } from '../../support/node.js'

const stocks = {
  stocks: {
    columns: [
      { name: 'order_num', type: 'int', mods: 'AUTOINCREMENT' },
      { name: 'trans', type: 'str', mods: '' },
      { name: 'symbol', type: 'str', mods: '' },
      { name: 'qty', type: 'int', mods: '' },
      { name: 'after_hours', type: 'bool', mods: '' },
    ],
    primary_key: 'order_num',
    foreign_keys: null,
  },
}
const path = '/db/company/table/stocks'

/** Where pyql's server lost data or hid mistakes: what its users should have had. */
describe('records on the paths of pyql', () => {
  const onStocks = (test: (node: TestNode) => Promise<void>) => () =>
    withNode(async (node) => {
      expect((await node.send('POST', '/db/company/table/create', stocks)).status).to.equal(200)
      await test(node)
    })
  const rows = async (node: TestNode, where: unknown, more: object = {}) => {
    const { status, body } = await node.send('POST', `${path}/select`, { select: ['*'], where, ...more })
    expect(status, JSON.stringify(body)).to.equal(200)
    return (body as { data: Record<string, unknown>[] }).data
  }

  it(
    'come back as they were sent: quotes, braces, arrays, objects and nulls',
    onStocks(async (node) => {
      const texts = ['say "hi"', 'a;b', 'a}b', "it's", '\\', '__proto__', '😀', '']
      for (const [order_num, symbol] of texts.entries())
        expect(
          (await node.send('POST', `${path}/insert`, { order_num, symbol, trans: [1, { a: 2 }] })).status,
        ).to.equal(200)
      expect((await rows(node, {})).map(({ symbol }) => symbol)).to.deep.equal(texts)
      const [row] = await rows(node, { symbol: "it's" })
      expect(row).to.deep.equal({ order_num: 3, symbol: "it's", trans: [1, { a: 2 }], qty: null, after_hours: null })
    }),
  )

  it(
    'stay when their table is created again as it is, as programs do at each start; another one of the name is refused',
    onStocks(async (node) => {
      await node.send('POST', path, { order_num: 1, symbol: 'RHAT' })
      const create = (table: object, at = '/db/company/table/create') => node.send('POST', at, table)
      const { columns } = stocks.stocks
      const message = 'table stocks created successfully '
      for (const at of ['/db/company/table/create', '/cluster/company/table/stocks/create']) {
        const { status, body } = await create(stocks, at)
        expect([status, body]).to.deep.equal([200, { message }])
      }
      const others = [
        { ...stocks.stocks, columns: columns.slice(1), primary_key: 'trans' },
        { ...stocks.stocks, columns: columns.slice(0, 4) },
        {
          ...stocks.stocks,
          columns: [...columns.slice(0, 4), { name: 'after_hours', type: 'bool', mods: 'NOT NULL' }],
        },
        { ...stocks.stocks, foreign_keys: { qty: { table: 'stocks', ref: 'order_num' } } },
      ]
      for (const other of others) {
        const { status, body } = await create({ stocks: other })
        expect(status, JSON.stringify(body)).to.equal(400)
        expect(body).to.include({ code: 'table_exists' })
      }
      expect(await rows(node, {})).to.have.length(1)
      const plain = { operation: 'create_table', database: 'company', table: 'plain', primary_key: 'id' }
      const again = { ...plain, keep_equal: true }
      for (const request of [plain, again, { ...again, database: 'elsewhere' }]) await node.ok(request)
      await node.ok({ operation: 'insert', database: 'company', table: 'plain', records: [{ id: 1, a: 1 }] })
      await node.ok(again)
      expect((await node.post(plain)).status).to.equal(400)
      expect((await node.post({ ...again, primary_key: 'a' })).status).to.equal(400)
    }),
  )

  it(
    'are found by values: objects in any order of their members, text without quotes of its own',
    onStocks(async (node) => {
      const record = { order_num: 1, symbol: 'RHAT', qty: 1, trans: { type: 'BUY', condition: { limit: '36' } } }
      await node.send('POST', path, record)
      expect(await rows(node, { trans: { condition: { limit: '36' }, type: 'BUY' } })).to.have.length(1)
      expect(await rows(node, [['symbol', '=', 'RHAT']])).to.have.length(1)
      expect(await rows(node, [['symbol', '=', "'RHAT'"]])).to.have.length(1)
      expect(await rows(node, [['order_num', '<=', 'qty']])).to.have.length(1)
      expect(await rows(node, [['order_num', '<', 'qty']])).to.have.length(0)
      expect(await rows(node, [['symbol', '=', 'x or 1=1']])).to.have.length(0)
      expect(await rows(node, [['symbol', 'like', 'ha']])).to.have.length(1)
    }),
  )

  it(
    'are refused with a reason where the request is wrong, and nothing changes',
    onStocks(async (node) => {
      await node.send('POST', path, { order_num: 1, symbol: 'RHAT', qty: 1 })
      const refusals: [string, string, unknown, number][] = [
        ['POST', `${path}/select`, { select: ['nope'] }, 400],
        ['POST', `${path}/select`, { where: {} }, 400],
        ['POST', `${path}/select`, { select: '*', where: [['order_num', '=', '0 or 1=1']] }, 400],
        ['POST', `${path}/select`, { select: '*', where: { nope: 1 } }, 400],
        ['POST', '/db/company/table/nope/select', { select: '*' }, 404],
        ['POST', `${path}/delete`, { where: { nope: 1 } }, 400],
        ['POST', `${path}/delete`, { where: { after_hours: 'maybe' } }, 400],
        ['POST', `${path}/delete`, { where: {} }, 400],
        ['POST', `${path}/update`, { set: { qty: 5 }, where: {} }, 400],
        ['POST', `${path}/update`, { set: { nope: 5 }, where: { order_num: 1 } }, 400],
        ['POST', `${path}/insert`, { order_num: 1 }, 409],
      ]
      for (const [method, at, body, wanted] of refusals) {
        const answer = await node.send(method, at, body)
        expect(answer.status, `${at} ${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`).to.equal(wanted)
      }
      expect(await rows(node, {})).to.deep.equal([
        { order_num: 1, symbol: 'RHAT', qty: 1, trans: null, after_hours: null },
      ])
    }),
  )

  it(
    'are not those of another table than the path says, and a query says a thing once',
    onStocks(async (node) => {
      await node.send('POST', path, { order_num: 1, symbol: 'RHAT' })
      await node.send('POST', '/db/company/table/create', { bonds: stocks.stocks })
      const refusals: [string, string, unknown?][] = [
        ['POST', `${path}/delete`, { where: { order_num: 1 }, table: 'bonds' }],
        ['POST', `${path}/delete`, { where: { order_num: 1 }, database: 'elsewhere' }],
        ['POST', `${path}/delete`, { where: { order_num: 1 }, bare_columns: false }],
        ['POST', `${path}/update?table=bonds`, { set: { qty: 1 }, where: { order_num: 1 } }],
        ['POST', `${path}/insert?atomic=false`, { order_num: 2 }],
        ['POST', `${path}/select?limit=2`, { select: '*', limit: 3 }],
        ['DELETE', `${path}/1?ids=2`],
        ['GET', `${path}?limit=1&limit=2`],
      ]
      for (const [method, at, body] of refusals) {
        const answer = await node.send(method, at, body)
        expect(answer.status, `${method} ${at}: ${JSON.stringify(answer.body)}`).to.equal(400)
        expect(answer.body).to.have.property('code', 'invalid_request')
      }
      expect(await rows(node, {})).to.have.length(1)
      const twice = { select: ['qty'], table: 'stocks', database: 'company', limit: 1, where: {} }
      expect((await node.send('POST', `${path}/select?limit=1`, twice)).status).to.equal(200)
      const columns = await node.send('GET', `${path}/select?select=symbol&select=qty`)
      expect(columns.body).to.deep.include({ data: [{ symbol: 'RHAT', qty: null }] })
    }),
  )

  it('keep the foreign keys of their table in whatever form these come, or the table is refused', () =>
    withNode(async (node) => {
      const create = (table: string, foreign_keys?: unknown) => {
        const columns = [{ name: 'id', type: 'int' }]
        const body = { [table]: { columns, primary_key: 'id', foreign_keys } }
        return node.send('POST', '/db/company/table/create', body)
      }
      expect((await create('parents')).status).to.equal(200)
      const key = { column: 'id', table: 'parents', references: 'id', on_delete: 'cascade' }
      expect((await create('children', [key])).status).to.equal(200)
      expect((await node.send('POST', '/db/company/table/children', { id: 1 })).status).to.equal(409)
      for (const wrong of ['parents', 7, ['parents'], { id: 'parents' }])
        expect((await create('others', wrong)).status, JSON.stringify(wrong)).to.equal(400)
    }))

  it('go into the table that the body of a creation names, whatever the path calls it', () =>
    withNode(async (node) => {
      const { status, body } = await node.send('POST', '/db/company/table/any/create', stocks)
      expect([status, body]).to.deep.equal([200, { message: 'table stocks created successfully ' }])
      expect((await node.send('GET', '/db/company/table/stocks/config')).status).to.equal(200)
      expect((await node.send('GET', '/db/company/table/any/config')).status).to.equal(404)
    }))

  it(
    'are read by GET: all, some columns, pages, one by its key',
    onStocks(async (node) => {
      for (const order_num of [1, 2, 3]) await node.send('POST', path, { order_num, symbol: `s${order_num}` })
      const get = async (query: string) => (await node.send('GET', `${path}${query}`)).body as Record<string, unknown>
      expect(((await get('')) as { data: unknown[] }).data).to.have.length(3)
      expect(await get('/select?select=symbol&limit=2')).to.deep.include({
        data: [{ symbol: 's1' }, { symbol: 's2' }],
        complete: false,
      })
      expect((await get('/2'))['data']).to.deep.equal([
        { order_num: 2, symbol: 's2', trans: null, qty: null, after_hours: null },
      ])
      expect(await get('/77')).to.deep.equal({ data: [] })
      const { next } = await get('?limit=2')
      expect(await get(`?limit=2&cursor=${String(next)}`)).to.deep.include({ complete: true })
    }),
  )

  it('are read, changed and deleted by keys that look like numbers, as their column is of texts or of numbers', () =>
    withNode(async (node) => {
      for (const [type, stored, named] of [
        ['str', '1', '1'],
        ['str', '007', '007'],
        ['int', 7, '07'],
      ] as const) {
        const table = `of_${type}${named}`
        const columns = [
          { name: 'id', type, mods: '' },
          { name: 'name', type: 'str', mods: '' },
        ]
        await node.send('POST', '/db/keys/table/create', {
          [table]: { columns, primary_key: 'id', foreign_keys: null },
        })
        const all = `/db/keys/table/${table}`
        await node.send('POST', all, { id: stored, name: 'old' })
        expect((await node.send('POST', `${all}/${named}`, { name: 'new' })).body).to.deep.equal({ message: 'OK' })
        const found = { data: [{ id: stored, name: 'new' }] }
        expect((await node.send('GET', `${all}/${named}`)).body).to.deep.equal(found)
        expect((await node.send('DELETE', `${all}/${named}`)).status).to.equal(200)
        expect((await node.send('GET', all)).body).to.deep.equal({ data: [], complete: true })
      }
      // A number that JSON has rounded is no key's text.
      await node.send('POST', '/db/keys/table/of_str1', { id: '9007199254740992' })
      const rounded = '{"operation":"delete","database":"keys","table":"of_str1","ids":[9007199254740993]}'
      expect((await node.send('POST', '/', rounded)).body).to.deep.include({ deleted_hashes: [] })
    }))
})
