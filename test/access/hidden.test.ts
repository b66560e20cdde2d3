import { expect } from 'chai'
import { eventually } from '../support/eventually.js'
import { basic, type TestNode, withNode } from '../support/node.js'

const PASSWORD = 'a-password-of-hiding'
const PRYING = { authorization: basic({ username: 'pry', password: PASSWORD }) }
const HIDDEN_VALUE = 424_242

/** A table with a hidden column, a table that is hidden whole, and a reference between them. */
async function setUp(node: TestNode): Promise<void> {
  const column = (name: string, type: string) => ({ name, type })
  await node.ok({
    operation: 'create_table',
    database: 'firm',
    table: 'grade',
    primary_key: 'id',
    columns: [column('id', 'int'), column('bonus', 'int')],
  })
  await node.ok({
    operation: 'create_table',
    database: 'firm',
    table: 'person',
    primary_key: 'id',
    columns: [column('id', 'int'), column('name', 'text'), column('salary', 'int'), column('grade_id', 'int')].map(
      (all) => ({
        ...all,
        indexed: true,
      }),
    ),
    foreign_keys: [{ column: 'grade_id', table: 'grade', references: 'id' }],
  })
  await node.ok({ operation: 'insert', database: 'firm', table: 'grade', records: [{ id: 1, bonus: HIDDEN_VALUE }] })
  await node.ok({
    operation: 'insert',
    database: 'firm',
    table: 'person',
    records: [
      { id: 1, name: 'Ann', salary: HIDDEN_VALUE, grade_id: 1 },
      { id: 2, name: 'Bob', salary: 10, grade_id: 1 },
    ],
  })
  const rights = (allowed: boolean) => ({ read: allowed, insert: allowed, update: allowed })
  await node.ok({
    operation: 'add_role',
    role: 'prying',
    permission: {
      firm: {
        tables: {
          person: {
            ...rights(true),
            delete: true,
            attribute_permissions: [{ attribute_name: 'name', ...rights(true) }],
          },
        },
      },
    },
  })
  await node.ok({ operation: 'add_user', username: 'pry', password: PASSWORD, role: 'prying' })
}

const person = { database: 'firm', table: 'person' }

const member = { database: 'firm', table: 'member' }

/** A table with a hidden column, and hidden tables before and behind it. */
async function setUpConstraints(node: TestNode): Promise<void> {
  const columns = (...names: string[]) => names.map((name) => ({ name, type: name === 'name' ? 'text' : 'int' }))
  const create = (table: string, columns: object[], foreign_keys: object[] = []) =>
    node.ok({ operation: 'create_table', database: 'firm', table, primary_key: 'id', columns, foreign_keys })
  await create('secret_team', columns('id'))
  await create(
    'member',
    [
      ...columns('id', 'name', 'team_id'),
      { name: 'secret_pay', type: 'int', unique: true, default: HIDDEN_VALUE },
      { name: 'secret_rank', type: 'int' },
    ],
    [{ column: 'team_id', table: 'secret_team', references: 'id' }],
  )
  await create('strict', [...columns('id', 'name'), { name: 'secret_need', type: 'int', not_null: true }])
  await create(
    'secret_note',
    columns('id', 'member_id', 'pay'),
    [
      ['member_id', 'id'],
      ['pay', 'secret_pay'],
    ].map(([column, references]) => ({ column, table: 'member', references })),
  )
  await create('secret_seat', columns('id'), [
    { column: 'id', table: 'member', references: 'id', on_update: 'cascade', on_delete: 'cascade' },
  ])
  const insert = (table: string, records: object[]) =>
    node.ok({ operation: 'insert', database: 'firm', table, records })
  await insert('secret_team', [{ id: 1 }])
  await insert('member', [{ id: 1 }, { id: 2, secret_pay: 1 }, { id: 3, secret_pay: 3 }])
  await insert('secret_note', [
    { id: 1, pay: HIDDEN_VALUE },
    { id: 2, member_id: 2 },
  ])
  const rights = { read: true, insert: true, update: true }
  const grant = (...names: string[]) => ({
    ...rights,
    delete: true,
    attribute_permissions: names.map((attribute_name) => ({ attribute_name, ...rights })),
  })
  const tables = { member: grant('name', 'team_id'), strict: grant('name') }
  await node.ok({ operation: 'add_role', role: 'prying', permission: { firm: { tables } } })
  await node.ok({ operation: 'add_user', username: 'pry', password: PASSWORD, role: 'prying' })
}

/** Writes that a constraint refuses which the caller does not see. */
const CONSTRAINED: [string, Record<string, unknown>][] = [
  ['record_referenced', { operation: 'delete', ...member, ids: [1] }],
  ['record_referenced', { operation: 'delete', ...member, ids: [2] }],
  ['record_referenced', { operation: 'update', ...member, set: { id: 9 }, ids: [2] }],
  ['record_referenced', { operation: 'replace_records', ...member, records: [] }],
  ['parent_missing', { operation: 'update', ...member, records: [{ id: 3, team_id: 99 }] }],
  ['value_taken', { operation: 'insert', ...member, records: [{ id: 9, name: 'x' }] }],
  ['record_invalid', { operation: 'insert', database: 'firm', table: 'strict', records: [{ id: 1 }] }],
  [
    'record_referenced',
    { operation: 'transaction', database: 'firm', operations: [{ operation: 'delete', table: 'member', ids: [1] }] },
  ],
]

/** Ways to ask for COLUMN, TABLE, or both. */
const QUESTIONS: Record<string, unknown>[] = [
  { operation: 'search_by_id', ...person, ids: [1], get_attributes: ['COLUMN'] },
  { operation: 'search_by_value', ...person, attribute: 'COLUMN', value: HIDDEN_VALUE, get_attributes: ['id'] },
  { operation: 'search_by_value', ...person, attribute: 'name', value: '*', get_attributes: ['COLUMN'] },
  {
    operation: 'search_by_conditions',
    ...person,
    conditions: [{ attribute: 'COLUMN', comparator: 'greater_than', value: 5 }],
    get_attributes: ['id'],
  },
  {
    operation: 'search_by_conditions',
    ...person,
    conditions: [{ attribute: 'name', value: 'Ann' }],
    sort: { attribute: 'COLUMN' },
    get_attributes: ['id'],
  },
  { operation: 'select', ...person, select: ['COLUMN'] },
  { operation: 'select', ...person, select: ['person.COLUMN'] },
  { operation: 'select', ...person, select: ['id'], where: { COLUMN: HIDDEN_VALUE } },
  { operation: 'select', ...person, select: ['id'], where: [['COLUMN', '>', 5]] },
  { operation: 'select', ...person, select: ['id'], where: [['id', '<', { column: 'COLUMN' }]] },
  { operation: 'select', ...person, select: ['id'], orderby: 'COLUMN desc' },
  { operation: 'select', ...person, select: [{ max: 'COLUMN' }] },
  { operation: 'select', ...person, select: [{ count: '*' }], groupby: 'COLUMN' },
  {
    operation: 'select',
    ...person,
    select: ['name', { count: '*' }],
    groupby: 'name',
    having: [[{ max: 'COLUMN' }, '>', 5]],
  },
  { operation: 'select', ...person, select: ['id'], where: [['COLUMN', '>', 5]], explain: true },
  { operation: 'select', ...person, select: '*', join: 'TABLE' },
  { operation: 'select', ...person, select: '*', join: { TABLE: { 'person.grade_id': 'TABLE.id' } } },
  { operation: 'select', database: 'firm', table: 'TABLE', select: '*' },
  { operation: 'update', ...person, set: { name: 'x' }, where: [['COLUMN', '>', 5]] },
  { operation: 'update', ...person, records: [{ id: 1, name: 'x' }], if: { COLUMN: HIDDEN_VALUE } },
  { operation: 'update', ...person, records: [{ id: 1, COLUMN: 5 }] },
  { operation: 'update', ...person, set: { COLUMN: 5 }, ids: [1] },
  { operation: 'insert', ...person, records: [{ id: 3, COLUMN: 5 }] },
  { operation: 'upsert', ...person, records: [{ id: 3, COLUMN: 5 }] },
  { operation: 'delete', ...person, where: [['COLUMN', '>', 5]] },
  { operation: 'delete', ...person, ids: [1], if: { COLUMN: HIDDEN_VALUE } },
  {
    operation: 'transaction',
    database: 'firm',
    operations: [{ operation: 'update', table: 'person', set: { name: 'x' }, where: { COLUMN: 10 } }],
  },
  {
    operation: 'transaction',
    database: 'firm',
    operations: [{ operation: 'insert', table: 'person', records: [{ id: 9, COLUMN: 1 }] }],
  },
  {
    operation: 'transaction',
    database: 'firm',
    operations: [{ operation: 'insert', table: 'TABLE', records: [{ id: 9 }] }],
  },
  { operation: 'csv_data_load', database: 'firm', table: 'TABLE', data: 'id\n7\n' },
  { operation: 'csv_data_load', ...person, data: 'id,COLUMN\n7,5\n' },
  { operation: 'describe_table', database: 'firm', table: 'TABLE' },
  { operation: 'drop_table', database: 'firm', table: 'TABLE' },
  { operation: 'add_column', database: 'firm', table: 'TABLE', column: 'x' },
  { operation: 'read_transaction_log', ...person },
  { operation: 'export_local', ...person, format: 'json', select: { select: ['COLUMN'] } },
]

const as = (question: unknown, column: string, table: string): Record<string, unknown> =>
  JSON.parse(JSON.stringify(question).replaceAll('COLUMN', column).replaceAll('TABLE', table)) as Record<
    string,
    unknown
  >

describe('what is hidden from a caller', () => {
  it('is answered word for word as what does not exist, whichever way it is asked for', async () => {
    await withNode(async (node) => {
      await setUp(node)
      const known = new Set(node.node.services.contracts.all.map(({ contract }) => contract.operation))
      const before = await node.ok({ operation: 'select', ...person, select: '*' })
      for (const question of QUESTIONS) {
        if (!known.has(question['operation'] as string)) continue
        const hidden = await node.post(as(question, 'salary', 'grade'), PRYING)
        const missing = await node.post(as(question, 'zalary', 'grabe'), PRYING)
        const shown = JSON.stringify(question)
        expect(hidden.status, `${shown}: ${JSON.stringify(hidden.body)}`).to.be.within(400, 499)
        expect(hidden.status, shown).to.equal(missing.status)
        expect(JSON.stringify(hidden.body).replaceAll('salary', 'zalary').replaceAll('grade', 'grabe'), shown).to.equal(
          JSON.stringify(missing.body).replaceAll('grade', 'grabe'),
        )
        expect(JSON.stringify(hidden.body), shown).not.to.include(String(HIDDEN_VALUE))
      }
      expect(await node.ok({ operation: 'select', ...person, select: '*' })).to.deep.equal(before)
    })
  })

  it('is in no answer to what may be asked', async () => {
    await withNode(async (node) => {
      await setUp(node)
      for (const question of [
        { operation: 'search_by_id', ...person, ids: [1], get_attributes: ['*'] },
        { operation: 'search_by_value', ...person, attribute: 'name', value: 'A*' },
        {
          operation: 'search_by_conditions',
          ...person,
          conditions: [{ attribute: 'name', value: 'Ann' }],
          get_attributes: ['*'],
        },
        { operation: 'select', ...person, select: '*' },
        { operation: 'select', ...person, select: '*', where: { name: 'Ann' }, explain: true },
        { operation: 'describe_table', ...person },
        { operation: 'describe_all' },
        { operation: 'list_tables', database: 'firm' },
        { operation: 'user_info' },
      ]) {
        const answer = await node.post(question, PRYING)
        const text = JSON.stringify(answer.body)
        expect(answer.status, `${JSON.stringify(question)}: ${text}`).to.equal(200)
        expect(text, JSON.stringify(question)).not.to.match(/salary|grade|bonus|424242/)
      }
    })
  })

  it('is named by no foreign key or other constraint, neither with its name nor with its value', async () => {
    await withNode(async (node) => {
      await setUpConstraints(node)
      for (const [code, question] of CONSTRAINED) {
        const hidden = await node.post(question, PRYING)
        const shown = `${JSON.stringify(question)}: ${JSON.stringify(hidden.body)}`
        expect(hidden.body, shown).to.include({ code })
        expect(JSON.stringify(hidden.body), shown).not.to.match(/secret|424242/)
        const open = await node.post(question)
        expect(open.body).to.include({ code })
        expect(JSON.stringify(open.body)).to.include('secret')
      }
      const joins = { operation: 'select', ...member, select: ['id'], join: 'team_id' }
      const joined = await node.post(joins, PRYING)
      expect(joined.body).to.include({ code: 'table_not_found', table: 'team_id' })
      const data = 'id,name,team_id\n7,x,99\n'
      const { job_id: id } = (await node.post({ operation: 'csv_data_load', ...member, data }, PRYING)).body as {
        job_id: string
      }
      let job = ''
      await eventually('the job has ended', async () => {
        job = JSON.stringify((await node.post({ operation: 'get_job', id }, PRYING)).body)
        return job.includes('"COMPLETE"')
      })
      expect(job).to.include('refers to 99').and.not.to.include('secret')
    })
  })

  it('comes out of no trigger, and no refusal of one names it', async () => {
    await withNode(async (node) => {
      const clicks = { database: 'e', table: 'clicks' }
      const columns = ['page', 'salary'].map((name) => ({ name, type: 'text' }))
      await node.ok({ operation: 'create_table', ...clicks, kind: 'events', columns })
      const trigger = { ...clicks, trigger: 'thanks' }
      const script = 'def on_insert():\n    match where page == "a":\n        emit(salary)\n'
      await node.ok({ operation: 'create_trigger', ...trigger, script })
      const rights = { read: true, insert: true, update: true }
      const grant = { ...rights, delete: true, attribute_permissions: [{ attribute_name: 'page', ...rights }] }
      const permission = { structure_user: ['e'], e: { tables: { clicks: grant } } }
      await node.ok({ operation: 'add_role', role: 'prying', permission })
      await node.ok({ operation: 'add_user', username: 'pry', password: PASSWORD, role: 'prying' })
      const hook = { subscriber: 'mailer', host: '127.0.0.1', port: 9, path: '/' }
      for (const question of [
        { operation: 'create_trigger', ...trigger, script: 'def on_insert():\n    return "x"\n' },
        { operation: 'describe_trigger', ...trigger },
        { operation: 'list_triggers', ...clicks },
        { operation: 'subscribe_trigger', ...trigger, ...hook },
        { operation: 'list_dead_letters', ...trigger, subscriber: 'mailer' },
        { operation: 'resend_dead_letters', ...trigger, subscriber: 'mailer' },
      ]) {
        const answer = await node.post(question, PRYING)
        expect(answer.status, question.operation).to.equal(403)
        expect(JSON.stringify(answer.body), question.operation).not.to.include('salary')
      }
    })
  })

  it('is hidden from scripts over events as well', async () => {
    await withNode(async (node) => {
      const clicks = { database: 'e', table: 'clicks' }
      const columns = [
        { name: 'page', type: 'text' },
        { name: 'salary', type: 'int' },
      ]
      await node.ok({ operation: 'create_table', ...clicks, kind: 'events', columns })
      const event = {
        person: 'u1',
        stamp: '2026-01-01T00:00:00Z',
        action: 'view',
        _: { page: 'a', salary: HIDDEN_VALUE },
      }
      await node.ok({ operation: 'insert_events', ...clicks, events: [event] })
      const rights = { read: true, insert: true, update: true }
      const grant = { ...rights, delete: true, attribute_permissions: [{ attribute_name: 'page', ...rights }] }
      await node.ok({ operation: 'add_role', role: 'prying', permission: { e: { tables: { clicks: grant } } } })
      await node.ok({ operation: 'add_user', username: 'pry', password: PASSWORD, role: 'prying' })
      const script = 'agg:\n    count person\n    sum COLUMN\n\nmatch:\n    tally("x")\n'
      for (const question of [
        { operation: 'query_column', column: 'COLUMN' },
        { operation: 'query_events', script },
        {
          operation: 'query_segments',
          script: `@segment x ttl=1m:\n    match where COLUMN == ${HIDDEN_VALUE}:\n        tally\n`,
        },
        { operation: 'query_histogram', name: 'h', bucket: 10, min: 0, script: 'return SUM COLUMN\n' },
      ]) {
        const open = await node.post(as({ ...clicks, ...question }, 'salary', ''))
        expect(open.status, JSON.stringify(open.body)).to.equal(200)
        const hidden = await node.post(as({ ...clicks, ...question }, 'salary', ''), PRYING)
        const missing = await node.post(as({ ...clicks, ...question }, 'zalary', ''), PRYING)
        expect(hidden.status, JSON.stringify(hidden.body)).to.be.within(400, 499)
        expect(JSON.stringify(hidden.body).replaceAll('salary', 'zalary')).to.equal(JSON.stringify(missing.body))
      }
      const person = await node.post({ operation: 'query_person', ...clicks, id: 'u1' }, PRYING)
      expect(JSON.stringify(person.body)).to.include('"page":"a"').and.not.to.include(String(HIDDEN_VALUE))
      const insert = await node.post({ operation: 'insert_events', ...clicks, events: [event] }, PRYING)
      expect(insert.status).to.equal(403)
      // What may be inserted can be, nested and as text as well; with anything hidden or missing beside it, nothing is.
      const open = { ...event, stamp: 5, _: { list: [{ page: 'b' }, { page: 'c' }] } }
      expect((await node.post({ operation: 'insert_events', ...clicks, events: [open] }, PRYING)).status).to.equal(200)
      for (const atomic of [false, true]) {
        for (const name of ['salary', 'zalary']) {
          const both = [open, { ...event, stamp: 6, _: { list: [{ page: 'd', [name]: 1 }] } }]
          const refused = await node.post({ operation: 'insert_events', ...clicks, events: both, atomic }, PRYING)
          expect(refused.status).to.equal(403)
          expect(JSON.stringify(refused.body).replaceAll('zalary', 'salary')).to.include(
            "Attribute 'salary' of an event",
          )
        }
      }
      const lines = `${JSON.stringify({ ...open, stamp: 7 })}\n`
      const sent = await node.post({ operation: 'insert_events', ...clicks, events: lines, lines: true }, PRYING)
      expect(sent.body).to.include({ inserted: 1 })
      const rows = (await node.post({ operation: 'query_column', ...clicks, column: 'page' })).body
      expect(JSON.stringify(rows)).to.include('"b"').and.include('"c"').and.not.include('"d"')
    })
  })
})
