import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { JsonStream, type Problem, type View } from '../../../src/lib/index.js'
import { Queries, type QueryLimits, type SelectRequest } from '../../../src/tables/index.js'
import type { TableReader } from '../../../src/tables/reader.js'
import { chooseAccess } from '../../../src/tables/select/access.js'
import { fingerprintOf } from '../../../src/tables/select/cursor.js'
import { type Ref, refTo } from '../../../src/tables/select/scope.js'
import { type MemoryTable, MemoryTables, schemaOf } from '../../support/memory-tables.js'
import { turnsDuring } from '../../support/turns.js'
import { asker, limits, textOf } from './asker.js'

interface Answer {
  data: Record<string, unknown>[]
  complete: boolean
  next?: string
  plan?: Record<string, unknown>
}

const tables = new MemoryTables()
const indexed = (...names: string[]) => names.map((name) => ({ name, indexed: true }))
tables.add(schemaOf('departments', [{ name: 'id' }, { name: 'name' }]), [
  { id: 1, name: 'HR' },
  { id: 2, name: 'Sales' },
])
tables.add(
  schemaOf(
    'positions',
    [{ name: 'id' }, { name: 'name' }, { name: 'department_id' }],
    [{ column: 'department_id', table: 'departments' }],
  ),
  [
    { id: 10, name: 'Director', department_id: 1 },
    { id: 20, name: 'Rep', department_id: 2 },
  ],
)
tables.add(
  schemaOf(
    'employees',
    [{ name: 'id' }, { name: 'name' }, ...indexed('position_id'), { name: 'toString' }, { name: 'boss' }],
    [
      { column: 'position_id', table: 'positions' },
      { column: 'boss', table: 'employees' },
    ],
  ),
  [
    { id: 1, name: 'Jane', position_id: 10 },
    { id: 2, name: 'Tom', position_id: 20, boss: 1 },
    { id: 3, name: 'Ann', position_id: null, boss: 1 },
  ],
)
tables.add(
  schemaOf(
    'flights',
    [{ name: 'id' }],
    [
      { column: 'from', table: 'airports' },
      { column: 'to', table: 'airports' },
    ],
  ),
)
tables.add(
  schemaOf(
    'trips',
    [{ name: 'id' }, { name: 'a' }, { name: 'b' }],
    [
      { column: 'a', table: 'departments' },
      { column: 'b', table: 'departments' },
    ],
  ),
  [{ id: 1, a: 1, b: 2 }],
)
tables.add(
  schemaOf('notes', [{ name: 'id' }, ...indexed('at', 'rare')]),
  Array.from({ length: 100 }, (_, id) => ({ id, at: -id, rare: id % 50 === 0 ? id : null })),
)
tables.add(
  schemaOf('paths', [{ name: 'id' }, ...indexed('path')]),
  Array.from({ length: 20_000 }, (_, id) => ({ id, path: `/home/me/data/${id}` })),
)
tables.add(
  schemaOf('regions', [{ name: 'id' }, ...indexed('name')]),
  Array.from({ length: 5 }, (_, id) => ({ id, name: `R${id}` })),
)
tables.add(
  schemaOf('buyers', [{ name: 'id' }, ...indexed('name', 'region')]),
  Array.from({ length: 20 }, (_, id) => ({ id, name: `B${id}`, region: id % 5 })),
)
tables.add(
  schemaOf('sales', [{ name: 'id' }, ...indexed('buyer', 'bill')], [{ column: 'buyer', table: 'buyers' }]),
  Array.from({ length: 200 }, (_, id) => ({ id, buyer: id % 20, bill: `b${id}` })),
)
tables.add(
  schemaOf('stocks', [
    { name: 'id' },
    { name: 'symbol', type: 'text', indexed: true },
    { name: 'qty', type: 'int', indexed: true },
    { name: 'sold', type: 'int' },
    { name: 'open', type: 'bool', indexed: true },
    { name: 'at', type: 'timestamp', notNull: true, indexed: true },
    { name: 'info' },
  ]),
  Array.from({ length: 1000 }, (_, id) => ({
    id,
    symbol: `s${id % 50}`,
    qty: id % 100,
    sold: id % 10,
    open: id % 2 === 0,
    at: 1000 - id,
    info: { n: id },
  })),
)

tables.add(schemaOf('visits', [{ name: 'id' }, { name: 'positions.name' }, { name: 'seconds' }]), [
  { id: 10, 'positions.name': 'none', seconds: 1.7e308 },
  { id: 20, 'positions.name': 'none', seconds: 1.7e308 },
])

async function ask(request: Partial<SelectRequest>, view?: View, settings: Partial<QueryLimits> = {}): Promise<Answer> {
  const queries = new Queries(() => tables, { ...limits, ...settings })
  const full = { database: 'dev', table: 'employees', select: '*', ...request }
  return JSON.parse(await textOf(await queries.select(full, view ? { ...asker, view } : asker))) as Answer
}

async function refusal(
  request: Partial<SelectRequest>,
  view?: View,
  settings?: Partial<QueryLimits>,
): Promise<Problem> {
  const answer = await ask(request, view, settings).catch((error: Problem) => error)
  if (!('code' in answer)) throw new Error(`${JSON.stringify(request)} was answered: ${JSON.stringify(answer)}`)
  return answer
}

const positions = { positions: { 'employees.position_id': 'positions.id' } }

describe('the request of select', () => {
  it('names columns by "table.column" in joins and leaves out the joined side of a pair', async () => {
    const { data } = await ask({ join: 'positions', where: { 'employees.id': 1 } })
    expect(data).to.deep.equal([
      {
        'employees.id': 1,
        'employees.name': 'Jane',
        'employees.position_id': 10,
        'employees.toString': null,
        'employees.boss': null,
        'positions.name': 'Director',
        'positions.department_id': 1,
      },
    ])
  })

  it('means the column of a table by "table.column", whatever attributes are called', async () => {
    const join = { positions: { 'visits.id': 'positions.id' } }
    const select = ['positions.name', 'visits.positions.name']
    const { data } = await ask({ table: 'visits', select, join, where: { 'positions.name': 'Rep' } })
    expect(data).to.deep.equal([{ 'positions.name': 'Rep', 'visits.positions.name': 'none' }])
    expect((await ask({ table: 'visits', select: ['positions.name'], distinct: true })).data).to.deep.equal([
      { 'positions.name': 'none' },
    ])
  })

  it('refuses sums that no number holds, which JSON would show as none', async () => {
    for (const run of ['sum', 'avg'])
      expect((await refusal({ table: 'visits', select: [{ [run]: 'seconds' }] })).code, run).to.equal(
        'value_type_wrong',
      )
  })

  it('keeps both sides of a pair when it is written the other way round', async () => {
    const join = { positions: { 'positions.id': 'employees.position_id' } }
    const [row] = (await ask({ join })).data
    expect(row).to.include({ 'employees.position_id': 10, 'positions.id': 10 })
  })

  it('joins several tables in any order that they are written in', async () => {
    const join = { departments: { 'positions.department_id': 'departments.id' }, ...positions }
    const { data } = await ask({ select: ['employees.name', 'departments.name'], join })
    expect(data).to.deep.equal([
      { 'employees.name': 'Jane', 'departments.name': 'HR' },
      { 'employees.name': 'Tom', 'departments.name': 'Sales' },
    ])
    expect((await ask({ select: ['departments.name'], join: ['positions', 'departments'] })).data).to.have.length(2)
  })

  it('takes names that stand alone in a pair for columns of the table that has them', async () => {
    const departments = { departments: { department_id: 'departments.id' } }
    const join = { ...departments, positions: { position_id: 'positions.id' } }
    const { data } = await ask({ select: ['employees.name', 'departments.name'], join })
    expect(data.map((row) => row['departments.name'])).to.deep.equal(['HR', 'Sales'])
  })

  it('joins a table with itself under another name', async () => {
    const join = { chief: { table: 'employees', on: { 'employees.boss': 'chief.id' }, type: 'left' } }
    const { data } = await ask({ select: ['employees.id', { column: 'chief.name', as: 'chief' }], join })
    expect(data).to.deep.equal([
      { 'employees.id': 1, chief: null },
      { 'employees.id': 2, chief: 'Jane' },
      { 'employees.id': 3, chief: 'Jane' },
    ])
  })

  it('joins by the column of a foreign key where several lead to a table', async () => {
    expect((await refusal({ table: 'trips', join: 'departments' })).message).to.include("'a' or 'b'")
    const { data } = await ask({ table: 'trips', join: 'b', select: ['departments.name'] })
    expect(data).to.deep.equal([{ 'departments.name': 'Sales' }])
  })

  it('takes text as text, and as a column only on request', async () => {
    const where = [['qty', '=', 'sold']]
    expect((await refusal({ table: 'stocks', where })).code).to.equal('value_type_wrong')
    const bare = { table: 'stocks', select: ['id'], bare_columns: true }
    expect((await ask({ ...bare, where })).data).to.have.length(100)
    expect((await ask({ ...bare, where: [['symbol', '=', "'s1'"]] })).data).to.have.length(20)
    expect((await ask({ ...bare, where: [['symbol', '=', 's1']] })).data).to.have.length(20)
    expect((await ask({ ...bare, where: [['symbol', '=', 's1 or 1=1']] })).data).to.have.length(0)
    const column = [['qty', '=', { column: 'sold' }]]
    expect((await ask({ table: 'stocks', where: column })).data).to.have.length(100)
  })

  it('compares values with what declared columns hold', async () => {
    const count = async (where: unknown) => (await ask({ table: 'stocks', select: ['id'], where })).data.length
    expect(await count({ qty: '12' })).to.equal(10)
    expect(await count({ open: 'TRUE' })).to.equal(500)
    expect(await count({ open: 0 })).to.equal(500)
    expect(await count([['info', '=', { value: { n: 3 } }]])).to.equal(1)
    expect(await count([['qty', 'like', '9*']])).to.equal(110)
    expect(await count([['qty', 'not like', '9*']])).to.equal(890)
    expect(await count([['at', '<=', '1970-01-01T00:00:00.010Z']])).to.equal(10)
    expect((await refusal({ table: 'stocks', where: { open: 'maybe' } })).code).to.equal('value_type_wrong')
    expect((await refusal({ table: 'stocks', where: { qty: 'abc' } })).code).to.equal('value_type_wrong')
  })

  it('reads columns that every object inherits as absent', async () => {
    const { data } = await ask({ select: ['toString'], where: [['toString', 'is null']], limit: 1 })
    expect(data).to.deep.equal([{ toString: null }])
  })

  it('orders by names, "name desc" and objects', async () => {
    const down = { column: 'name', order: 'desc' }
    for (const orderby of ['name desc', 'name DESC', down, { ...down, order: 'DESC' }, [down, 'id']])
      expect((await ask({ select: ['name'], orderby })).data.map(({ name }) => name)).to.deep.equal([
        'Tom',
        'Jane',
        'Ann',
      ])
  })

  it('counts, also without conditions and without rows', async () => {
    expect((await ask({ table: 'stocks', select: [{ count: '*' }] })).data).to.deep.equal([{ 'count(*)': 1000 }])
    const select = [{ count: '*', as: 'n' }, { max: 'qty' }, { avg: 'qty' }, { count: 'symbol', distinct: true }]
    const { data } = await ask({ table: 'stocks', select, where: { qty: 1e6 } })
    expect(data).to.deep.equal([{ n: 0, 'max(qty)': null, 'avg(qty)': null, 'count(distinct symbol)': 0 }])
  })

  it('orders and keeps groups by what is computed', async () => {
    const request = { table: 'stocks', select: ['symbol'], groupby: 'symbol', having: [[{ max: 'qty' }, '>=', 98]] }
    const { data } = await ask({ ...request, orderby: { max: 'qty', order: 'desc' } })
    expect(data).to.deep.equal([{ symbol: 's49' }, { symbol: 's48' }])
  })

  it('refuses what it does not know, with the name that may be meant', async () => {
    const refusals: [Partial<SelectRequest>, string, string?][] = [
      [{ select: ['nam'] }, 'column_unknown', "Did you mean 'name'?"],
      [{ select: ['positions.nam'], join: 'positions' }, 'column_unknown', "'positions.name'"],
      [{ select: undefined }, 'select_malformed'],
      [{ select: 'name' }, 'select_malformed', '["name"]'],
      [{ select: [] }, 'select_malformed'],
      [{ select: [{ medain: 'id' }] }, 'select_malformed'],
      [{ select: [{ sum: 'symbol' }], table: 'stocks' }, 'select_malformed', 'numbers'],
      [{ select: ['id', { column: 'name', as: 'id' }] }, 'select_malformed'],
      [{ table: 'nope' }, 'table_not_found'],
      [{ table: '__proto__' }, 'table_not_found'],
      [{ where: { nam: 1 } }, 'column_unknown', "'name'"],
      [{ where: [['id', 'gt', 1]] }, 'operator_unknown'],
      [{ where: [['id', 'lke', 'x']] }, 'operator_unknown', "'like'"],
      [{ where: ['id', '=', 1] }, 'condition_malformed', '[["id","=",1]]'],
      [{ where: [['id', '=', 1, 2]] }, 'condition_malformed', 'has 4'],
      [{ where: [['id', 'between', 1]] }, 'condition_malformed'],
      [{ where: [['id', 'in', 1]] }, 'condition_malformed'],
      [{ where: [['id', 'in', [null]]] }, 'condition_malformed'],
      [{ where: [['id', '<', null]] }, 'condition_malformed'],
      [{ where: [['id', '<', { a: 1 }]] }, 'condition_malformed'],
      [{ where: [7] }, 'condition_malformed'],
      [{ where: 'id = 1' }, 'condition_malformed'],
      [{ where: [[{ column: 'nam' }, '=', 1]] }, 'column_unknown'],
      [{ where: [['id', '=', { column: 'nam' }]] }, 'column_unknown'],
      [{ join: 'departments' }, 'select_malformed', 'No foreign key'],
      [{ join: { positions: { position_id: 'id' } } }, 'column_ambiguous', "'employees.id' or 'positions.id'"],
      [{ join: { positions: { place: 'positions.id' } } }, 'select_malformed', "'place'"],
      [{ join: { positions: { on: {} } } }, 'select_malformed', 'empty'],
      [{ join: 'nope' }, 'table_not_found'],
      [{ join: { positions: { 'employees.position_id': 'positions.nope' } } }, 'column_unknown'],
      [{ join: { positions: { 'departments.id': 'positions.id' } } }, 'select_malformed'],
      [{ join: { positions: { 'employees.id': 'employees.id' } } }, 'select_malformed'],
      [{ join: { positions: { on: { 'employees.id': 'positions.id' }, type: 'outer' } } }, 'select_malformed'],
      [{ join: { employees: { 'employees.id': 'employees.id' } } }, 'select_malformed', 'another name'],
      [{ join: 'positions', select: ['id'] }, 'column_ambiguous', "'employees.id' or 'positions.id'"],
      [{ orderby: 'nam' }, 'column_unknown'],
      [{ orderby: { column: 'name', order: 'down' } }, 'select_malformed'],
      [{ orderby: { column: 'name', desc: true } }, 'select_malformed', '"order"'],
      [{ orderby: { name: 'desc' } }, 'select_malformed', '"column"'],
      [{ orderby: { name: 'x'.repeat(1_000) } }, 'select_malformed', 'xxx...'],
      [{ groupby: 'nam', select: ['name'] }, 'column_unknown'],
      [{ groupby: 'name', select: ['id'] }, 'column_not_grouped', "'groupby'"],
      [{ distinct: true, select: ['name'], orderby: 'id' }, 'column_not_grouped', "name it in 'select'"],
      [{ having: [['id', '=', 1]] }, 'select_malformed'],
      [{ cursor: 'x' }, 'cursor_invalid'],
      [{ cursor: 'x', offset: 1 }, 'select_malformed'],
    ]
    for (const [request, code, hint = ''] of refusals) {
      const problem = await refusal(request)
      expect(problem.code, `${JSON.stringify(request)}: ${problem.message}`).to.equal(code)
      expect(problem.message).to.include(hint)
      expect(problem.status).to.be.within(400, 404)
    }
  })

  it('refuses a cursor of another query, and takes it with another limit', async () => {
    const query = { table: 'stocks', select: ['id'], where: [['qty', '>', 3]], orderby: 'at' }
    const { next } = await ask({ ...query, limit: 3 })
    expect((await ask({ ...query, limit: 5, cursor: next })).data[0]).to.deep.equal({ id: 996 })
    expect((await refusal({ ...query, orderby: 'qty', limit: 5, cursor: next })).code).to.equal('cursor_invalid')
    expect((await refusal({ ...query, limit: 5, cursor: `${next}x` })).code).to.equal('cursor_invalid')
  })
})

describe('what a caller may not see', () => {
  const view: View = {
    seesTable: (_, table) => table !== 'departments',
    seesColumn: (_, table, column) => !(table === 'stocks' && column === 'qty') && column !== 'department_id',
  }

  it('is unknown everywhere', async () => {
    const hidden: Partial<SelectRequest>[] = [
      { table: 'departments' },
      { join: { departments: { 'employees.id': 'departments.id' } } },
      { table: 'positions', join: 'departments' },
      { table: 'stocks', select: ['qty'] },
      { table: 'stocks', select: [{ max: 'qty' }] },
      { table: 'stocks', where: { qty: 1 } },
      { table: 'stocks', where: [['sold', '<', { column: 'qty' }]] },
      { table: 'stocks', orderby: 'qty' },
      { table: 'stocks', select: ['symbol'], groupby: ['symbol'], having: [[{ sum: 'qty' }, '>', 1]] },
      { table: 'stocks', select: ['symbol'], groupby: ['symbol', 'qty'] },
      { table: 'positions', join: { p: { table: 'positions', on: { 'positions.id': 'p.department_id' } } } },
    ]
    for (const request of hidden) {
      const problem = await refusal(request, view)
      expect(['table_not_found', 'column_unknown', 'select_malformed'], JSON.stringify(request)).to.include(
        problem.code,
      )
      expect(problem.message, 'as for what does not exist').not.to.match(/Did you mean '(qty|department)/)
    }
  })

  it('is in no cursor: where the key is hidden, what holds it is sealed, and nobody can make such a cursor', async () => {
    const keyless: View = { seesTable: () => true, seesColumn: (_, __, column) => column !== 'id' }
    for (const query of [
      {},
      { orderby: 'stocks.sold' },
      { join: { s: { table: 'stocks', on: { 'stocks.symbol': 's.symbol' } } } },
    ]) {
      const request = { table: 'stocks', select: ['stocks.at'], where: { 'stocks.symbol': 's1' }, ...query }
      const all = await ask(request, keyless)
      const rows: Answer['data'] = []
      let cursor: string | undefined
      do {
        const page: Answer = await ask({ ...request, limit: 7, ...(cursor && { cursor }) }, keyless)
        rows.push(...page.data)
        cursor = page.next
        if (cursor) expect(() => JSON.parse(Buffer.from(cursor!.split('.')[0]!, 'base64url').toString())).to.throw()
      } while (cursor)
      expect(rows).to.deep.equal(all.data)
      const { next: open } = await ask({ ...request, limit: 7 })
      expect((await refusal({ ...request, limit: 7, cursor: open! }, keyless)).code).to.equal('cursor_invalid')
    }
  })

  it('is not measured by another query that takes a sealed cursor as if it were its own', async () => {
    const keyless: View = { seesTable: () => true, seesColumn: (_, __, column) => column !== 'id' }
    const request = { table: 'stocks', select: ['at'], where: { symbol: 's1' } }
    const other = { ...request, where: { symbol: 's2' } }
    const { next } = await ask({ ...request, limit: 7 }, keyless)
    const body = next!.split('.')[0]!
    const sum = createHash('sha256')
      .update(fingerprintOf({ database: 'dev', ...other }))
      .update(body)
    const cursor = `${body}.${sum.digest('base64url').slice(0, 12)}`
    expect((await refusal({ ...other, limit: 7, cursor }, keyless)).code).to.equal('cursor_invalid')
  })

  it('is left out of "*"', async () => {
    const { data } = await ask({ table: 'stocks', limit: 1 }, view)
    expect(data[0]).to.have.keys('id', 'symbol', 'sold', 'open', 'at', 'info')
  })
})

describe('the plan of select', () => {
  const planOf = async (request: Partial<SelectRequest>, settings: Partial<QueryLimits> = {}) =>
    (await ask({ table: 'stocks', select: ['id'], explain: true, ...request }, undefined, settings)).plan!

  it('reads one record by its key', async () => {
    expect(await planOf({ where: { id: 7 } })).to.include({ access: 'primary_key', rows_read: 1, full_scan: false })
    expect(await planOf({ where: [['id', 'in', [1, 2, 5000]]] })).to.include({ access: 'primary_key', rows_read: 2 })
    expect(await planOf({ where: [['id', 'between', [10, 19]]] })).to.include({ access: 'primary_key', rows_read: 10 })
  })

  it('reads the smaller of two indexes', async () => {
    const plan = await planOf({
      where: [
        ['open', '=', true],
        ['qty', '<', 3],
        ['symbol', '=', 's1'],
      ],
    })
    expect(plan).to.deep.include({ access: 'index', indexes: ['symbol'], rows_read: 20 })
  })

  it('reads what two large indexes share, when the first takes longer than a slice', async () => {
    const where = [
      ['symbol', 'between', ['s1', 's4']],
      ['qty', '>=', 50],
    ]
    const plan = await planOf({ where }, { slice_ms: 0 })
    expect(plan['indexes']).to.have.members(['qty', 'symbol'])
    expect(plan['rows_read']).to.equal(plan['rows_kept'])
  })

  it('reads each branch of an "or" by its index', async () => {
    const plan = await planOf({
      where: {
        or: [
          ['qty', '=', 1],
          ['symbol', '=', 's2'],
          ['id', '=', 3],
        ],
      },
    })
    expect(plan).to.deep.include({ access: 'union', indexes: ['qty', 'symbol', 'id'], rows_read: 31, rows_kept: 31 })
  })

  it('stops reading when a page in the order of an index is full', async () => {
    for (const request of [
      { orderby: 'at' },
      { orderby: 'id desc' },
      { orderby: 'qty desc', where: [['qty', '<', 90]] },
    ])
      expect(await planOf({ ...request, limit: 5 })).to.include({ order: 'index', rows_read: 6 })
  })

  it('carries a condition over a join to the column that must be equal', async () => {
    const join = { positions: { 'employees.position_id': 'positions.id' } }
    const plan = await planOf({ table: 'employees', join, select: ['employees.id'], where: { 'positions.id': 10 } })
    expect(plan).to.deep.include({ access: 'index', indexes: ['position_id'], rows_read: 2 })
  })

  it('finds rows by what few rows of a joined table have, and reads no others', async () => {
    const asked = { table: 'sales', select: ['sales.id', 'buyers.name'], join: 'buyers' }
    const found = { access: 'index', indexes: ['buyer'], full_scan: false, rows_read: 21, rows_kept: 10 }
    expect(await planOf({ ...asked, where: { 'buyers.name': 'B7' } })).to.deep.include(found)
    expect(await planOf({ ...asked, where: [['buyers.name', 'like', 'b7*']] })).to.deep.include(found)
    const where = { 'buyers.name': 'B7' }
    expect(await planOf({ ...asked, where, select: [{ sum: 'sales.id' }] })).to.deep.include(found)
    expect(await planOf({ ...asked, where, orderby: 'sales.id desc', limit: 5 })).to.include({ rows_read: 21 })
    const from = { table: 'buyers', select: ['buyers.id'], join: { sales: { 'buyers.id': 'sales.buyer' } } }
    expect(await planOf({ ...from, where: { 'sales.bill': 'b77' } })).to.include({
      access: 'primary_key',
      rows_read: 12,
    })
    const through = { ...asked, join: ['buyers', { regions: { 'buyers.region': 'regions.id' } }] }
    expect(await planOf({ ...through, where: { 'regions.name': 'R3' } })).to.include({
      access: 'index',
      full_scan: false,
    })
    const left = { buyers: { on: { 'sales.buyer': 'buyers.id' }, type: 'left' as const } }
    expect(await planOf({ ...asked, join: left, where })).to.include({ access: 'scan', rows_kept: 10 })
  })

  it('reads only rows that have something where they are joined, if few have', async () => {
    const join = { o: { table: 'notes', on: { 'notes.rare': 'o.id' } } }
    const few = { access: 'index', indexes: ['rare'], rows_read: 4, rows_kept: 2 }
    expect(await planOf({ table: 'notes', select: ['notes.id'], join })).to.deep.include(few)
    const left = { o: { ...join.o, type: 'left' as const } }
    expect(await planOf({ table: 'notes', select: ['notes.id'], join: left })).to.include({ rows_kept: 100 })
  })

  it('goes on behind a cursor where a joined table tells other rows than before', async () => {
    const own = new MemoryTables()
    const ids = Array.from({ length: 12 }, (_, id) => id)
    const shops = ids.map((id) => ({ id, town: id % 2 === 0 ? 'here' : 'there' }))
    own.add(schemaOf('shops', [{ name: 'id' }, ...indexed('town')]), shops)
    const key = [{ column: 'shop', table: 'shops' }]
    const visits = ids.flatMap((shop) => [0, 1, 2].map((at) => ({ id: at * 100 + shop, shop })))
    own.add(schemaOf('visits', [{ name: 'id' }, ...indexed('shop')], key), visits)
    const move = (id: number, town: string) => (own.table('dev', 'shops') as MemoryTable).put({ id, town })
    const page = async (table: string, more: object) => {
      const request = {
        database: 'dev',
        table,
        select: ['visits.id'],
        limit: 4,
        where: { 'shops.town': 'here' },
        ...more,
      }
      return JSON.parse(await textOf(await new Queries(() => own, limits).select(request, asker))) as Answer
    }
    const first = await page('visits', { join: 'shops' })
    expect(first.data.map((row) => row['visits.id'])).to.deep.equal([0, 100, 200, 2])
    for (const id of [0, 2]) move(id, 'there')
    const second = await page('visits', { join: 'shops', cursor: first.next })
    expect(second.data.map((row) => row['visits.id'])).to.deep.equal([4, 104, 204, 6])
  })

  it('reads one row of a table in which nothing should be found', async () => {
    const join = { sales: { on: { 'buyers.id': 'sales.buyer' }, type: 'left' as const } }
    const absent = { table: 'buyers', select: ['buyers.id'], join, where: [['sales.id', 'is null']] }
    expect(await planOf(absent)).to.include({ rows_read: 40, rows_kept: 0 })
  })

  it('finds what begins alike in any case, and what is not null, by the index', async () => {
    const begins = { access: 'index', indexes: ['symbol'], rows_read: 20, rows_kept: 20 }
    expect(await planOf({ where: [['symbol', 'like', 'S17*']] })).to.deep.include(begins)
    // It can be written in so many ways that "/home/me" is looked for, which all begin with.
    const paths = { table: 'paths', where: [['path', 'like', '/home/me/data/9*']] }
    expect(await planOf({ ...paths, limit: 2 })).to.include({ access: 'scan' })
    const where = [['rare', 'is not null']]
    const there = { access: 'index', indexes: ['rare'], rows_read: 2, rows_kept: 2 }
    expect(await planOf({ table: 'notes', where })).to.deep.include(there)
    expect(await planOf({ table: 'notes', where, orderby: 'at desc', limit: 5 }, { slice_ms: 0 })).to.include({
      rows_kept: 2,
    })
    expect(await planOf({ table: 'notes', where, select: [{ count: '*' }] })).to.include({ rows_read: 0, keys_read: 2 })
  })

  it('groups and counts the values of a column by its index, reading one record of each', async () => {
    const values = { access: 'index', indexes: ['qty'], full_scan: false, rows_read: 100 }
    expect(await planOf({ select: ['qty'], distinct: true })).to.deep.include(values)
    expect(await planOf({ select: ['qty', { count: '*' }], groupby: 'qty' })).to.deep.include(values)
    expect(await planOf({ select: [{ count: 'qty', distinct: true }] })).to.deep.include(values)
    const where = [['qty', '>=', 90]]
    expect(await planOf({ select: ['qty', { max: 'qty' }], groupby: 'qty', where })).to.include({ rows_read: 10 })
    expect(await planOf({ select: ['qty', { sum: 'qty' }], groupby: 'qty' })).to.include({ access: 'scan' })
    for (const left of [
      ['qty', '!=', 3],
      ['qty', 'not in', [3]],
      ['qty', 'is null'],
    ])
      expect(await planOf({ select: [{ count: '*' }], where: [left] })).to.deep.include(values)
  })

  it('finds several ends of indexes without reading what lies between them', async () => {
    const plan = await planOf({ select: [{ min: 'at' }, { max: 'qty' }, { count: '*' }] })
    expect(plan).to.deep.include({ access: 'index', indexes: ['at', 'qty'], full_scan: false, rows_read: 2 })
  })

  it('is made without a search for every value of a long list, and without a test for every pair of branches', async () => {
    const reader = tables.table('dev', 'stocks')!
    const column = reader.schema.columns.find(({ name }) => name === 'qty')!
    let [searches, made] = [0, 0]
    const estimate = (...args: Parameters<typeof reader.estimate>) => {
      searches++
      return reader.estimate(...args)
    }
    const { read, ...rest } = refTo(0, column)
    const ref = Object.defineProperty({ ...rest }, 'read', {
      get: () => {
        made++
        return read
      },
    }) as Ref
    const counted = Object.assign(Object.create(reader), { estimate }) as TableReader
    const wanted = { ref: refTo(0, reader.schema.columns.find(({ name }) => name === 'at')!), descending: false }
    const values = Array.from({ length: 5_000 }, (_, value) => value + 1_000)
    const list = { test: 'in', ref, values, negated: false } as const
    chooseAccess({ reader: counted, conditions: [list], wanted: { ...wanted, content: 'scalar' }, limit: 2_000 })
    expect(searches).to.be.at.most(2_000)
    const any = values.slice(0, 100).map((value) => ({ test: 'compare', ref, comparator: '=', value }) as const)
    const { legs } = chooseAccess({ reader, conditions: [{ any }] })
    expect(legs).to.have.length(100)
    expect(made).to.be.at.most(300)
  })

  it('says when every record was read', async () => {
    expect(await planOf({ where: { sold: 1 } })).to.include({ access: 'scan', full_scan: true, rows_read: 1000 })
  })
})

describe('the limits of select', () => {
  const stocks = { table: 'stocks', select: ['id', 'symbol'] }

  it('cut a result at the most rows, and say where it goes on', async () => {
    const first = await ask(stocks, undefined, { result_rows_max: 600 })
    expect(first).to.include({ complete: false })
    const rest = await ask({ ...stocks, cursor: first.next }, undefined, { result_rows_max: 600 })
    expect(rest.data).to.have.length(400)
    expect(rest.data[0]).to.include({ id: 600 })
  })

  it('refuse what needs too much memory, too many groups, conditions or rows', async () => {
    const code = async (request: Partial<SelectRequest>, settings: Partial<QueryLimits>) =>
      (await refusal({ ...stocks, ...request }, undefined, settings)).code
    expect(await code({ orderby: 'stocks.sold' }, { memory_bytes_max: 10_000 })).to.equal('query_too_large')
    const hash = { join: { employees: { 'stocks.sold': 'employees.name' } }, select: [{ count: '*' }] }
    expect(await code(hash, { memory_bytes_max: 100 })).to.equal('query_too_large')
    expect(await code({ select: ['id'], distinct: true }, { groups_max: 999 })).to.equal('query_too_large')
    expect(await code({ where: [{ id: 1, sold: 2 }] }, { conditions_max: 1 })).to.equal('query_too_large')
    expect(await code({ limit: 11 }, { result_rows_max: 10 })).to.equal('query_too_large')
  })

  it('sort many rows for a small page in little memory', async () => {
    const { data } = await ask({ ...stocks, orderby: ['sold', 'id'], limit: 2 }, undefined, { memory_bytes_max: 2e6 })
    expect(data.map(({ id }) => id)).to.deep.equal([0, 10])
  })
})

describe('a long select', () => {
  const big = new MemoryTables()
  const rows = Array.from({ length: 60_000 }, (_, id) => ({ id, n: id % 7, text: 'x'.repeat(40) }))
  big.add(schemaOf('big', [{ name: 'id' }, { name: 'n' }, { name: 'text' }]), rows)
  let open = 0
  const snapshot = () => {
    open++
    return { table: big.table.bind(big), [Symbol.dispose]: () => void open-- }
  }
  const request = { database: 'dev', table: 'big', select: ['id'] }

  it('lets others run in between', async () => {
    const queries = new Queries(snapshot, { ...limits, slice_ms: 0.2 })
    const turns = await turnsDuring(async () => {
      await queries.select({ ...request, where: { n: -1 }, orderby: 'text' }, asker)
      await queries.select({ ...request, select: ['n', { count: '*' }], groupby: 'n' }, asker)
    })
    expect(turns).to.be.above(10)
  })

  it('stops when nobody waits any more', async () => {
    const controller = new AbortController()
    setImmediate(() => controller.abort(new Error('left')))
    const queries = new Queries(snapshot, { ...limits, slice_ms: 1 })
    const answer = queries.select({ ...request, where: { n: -1 } }, { ...asker, signal: controller.signal })
    const error = await answer.then(() => undefined, String)
    expect(error).to.equal('Error: left')
    expect(open).to.equal(0)
  })

  it('stops there, too, where rows are joined with nothing, or only those are wanted that are', async () => {
    for (const more of [
      { join: { o: { table: 'big', on: { 'big.text': 'o.id' } } } },
      { join: { o: { table: 'big', on: { 'big.id': 'o.id' }, type: 'left' } }, where: [['o.id', 'is null']] },
    ]) {
      const controller = new AbortController()
      setImmediate(() => controller.abort(new Error('left')))
      const queries = new Queries(snapshot, { ...limits, slice_ms: 1 })
      const select = { database: 'dev', table: 'big', select: ['big.id'], ...more }
      const answer = queries.select(select, { ...asker, signal: controller.signal })
      expect(await answer.then(() => undefined, String)).to.equal('Error: left')
    }
  })

  it('streams a large result, and lets go of its snapshot at the end, at a stop, and at a time-out', async () => {
    const queries = new Queries(snapshot, { ...limits, stream_above_bytes: 100_000 })
    const whole = await queries.select(request, asker)
    expect(whole).to.be.instanceOf(JsonStream)
    expect(open).to.equal(1)
    expect(JSON.parse(await textOf(whole)).data).to.have.length(60_000)
    expect(open).to.equal(0)
    const stopped = (await queries.select(request, asker)) as JsonStream
    for await (const _ of stopped.chunks) break
    expect(open).to.equal(0)
    const controller = new AbortController()
    const late = (await queries.select(request, { ...asker, signal: controller.signal })) as JsonStream
    const chunks = late.chunks[Symbol.asyncIterator]()
    await chunks.next()
    controller.abort(new Error('too slow'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(open).to.equal(0)
    expect(await chunks.next().then(() => 'more', String)).to.equal('Error: too slow')
  })
})
