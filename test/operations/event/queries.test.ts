import { expect } from 'chai'
import { eventually } from '../../support/eventually.js'
import { basic, onNode, type TestNode, withNode } from '../../support/node.js'

type Body = Record<string, unknown>

const EVENTS = Array.from({ length: 40 }, (_, at) => ({
  person: `p${at % 10}`,
  stamp: 1_700_000_000 + at * 60,
  action: at % 3 === 0 ? 'buy' : 'visit',
  _: { page: `page ${at % 4}`, price: at, secret: `s${at % 2}`, tags: [`t${at % 5}`, `t${at % 2}`] },
}))

async function shop(node: TestNode, table = 'shop'): Promise<void> {
  const columns = [
    { name: 'page', type: 'text' },
    { name: 'price', type: 'double' },
    { name: 'secret', type: 'text' },
    { name: 'tags', type: 'text', is_set: true },
  ]
  await node.ok({ operation: 'create_table', table, kind: 'events', columns })
  await node.ok({ operation: 'insert_events', table, events: EVENTS })
}

const ask = (node: TestNode, operation: string, more: Body) => node.ok<Body>({ operation, table: 'shop', ...more })
const segments = (node: TestNode, script: string) => ask(node, 'query_segments', { script })
const people = async (node: TestNode, segment: string) => {
  const answer = await ask(node, 'query_events', { segments: segment, script: 'match:\n    tally("all")\n' })
  return (answer._ as { c: number[] }[])[0]?.c[0] ?? 0
}

describe('queries of events', () => {
  it('count every segment asked for on its own', () =>
    withNode(async (node) => {
      await shop(node)
      await segments(node, '@segment one ttl=1h:\n    match where price == 3:\n        tally\n')
      await segments(node, '@segment few ttl=1h:\n    match where price < 4:\n        tally\n')
      const script = 'agg:\n    count person\n    sum price\n\nmatch where price >= 30:\n    tally(action)\n'
      const alone = async (name: string) => (await ask(node, 'query_events', { segments: [name], script }))._ as Body[]
      const together = (await ask(node, 'query_events', { segments: '*,one,few,*', script }))._ as Body[]
      for (const [at, name] of ['*', 'one', 'few', '*'].entries()) {
        const key = at === 0 ? 'c' : `c${at + 1}`
        for (const group of await alone(name)) {
          expect(together.find(({ g }) => g === group.g)![key], `${key} of ${group.g}`).to.deep.equal(group.c)
        }
      }
      const column = (await ask(node, 'query_column', { column: 'page', segments: 'one,few' }))._ as Body[]
      expect(column[0]).to.deep.include({ g: 'page', c: [1], c2: [4] })
      const values = async (segments: string) =>
        ((await ask(node, 'query_column', { column: 'page', segments }))._ as Body[])[0]!._ as Body[]
      const everyValue = (await values('*')).map(({ g }) => g)
      const ofOne = await values('one')
      expect(ofOne.map(({ g }) => g)).to.have.members(everyValue)
      expect(ofOne.filter(({ c }) => (c as number[])[0] === 0)).to.not.deep.equal([])
    }))

  it('put a value into the same bucket, whoever asks', () =>
    withNode(async (node) => {
      const values = [0.3, 0.7, 1.15, 2.3, 4.6, 8.2, 17.99, -0.3, -46.55]
      const events = values.map((v, at) => ({ person: `p${at}`, stamp: 1_700_000_000, action: 'weigh', _: { v } }))
      await node.ok({
        operation: 'create_table',
        table: 'shop',
        kind: 'events',
        columns: [{ name: 'v', type: 'double' }],
      })
      await ask(node, 'insert_events', { events })
      const groups = (nodes: unknown) =>
        Object.fromEntries((nodes as { g: number; c: number[] }[]).map(({ g, c }) => [g, c[0]]))
      for (const bucket of [0.1, 0.05, 0.01]) {
        const script = `match:\n    tally(bucket(v, ${bucket}))\n`
        const told = groups((await ask(node, 'query_events', { script }))._)
        const [root] = (await ask(node, 'query_column', { column: 'v', bucket }))._ as Body[]
        expect(groups(root!._), `${bucket}`).to.deep.equal(told)
        expect(told).to.include({ 2.3: 1, '-0.3': 1 })
      }
    }))

  it('keep segments over a restart, by their scripts and their people', () =>
    withNode(async (first) => {
      await shop(first)
      await segments(first, '@segment buyers ttl=forever:\n    match where action == "buy":\n        tally\n')
      await first.node[Symbol.asyncDispose]()
      await onNode(first.folder, async (node) => {
        const [buyers] = (await ask(node, 'list_segments', {})).segments as Body[]
        expect(buyers).to.include({ name: 'buyers', people: 10, expired: false, from_segments: false })
        expect(await people(node, 'buyers')).to.equal(10)
        await ask(node, 'drop_segment', { segment: 'buyers' })
        expect((await ask(node, 'list_segments', {})).segments).to.deep.equal([])
      })
    }))

  it('take a stored segment while it is fresh, and compute it anew when asked or refreshed', () =>
    withNode(async (node) => {
      await shop(node)
      const script = (flags: string) => `@segment late ${flags}:\n    match where price > 1000:\n        tally\n`
      const count = async (flags: string) => ((await segments(node, script(flags)))._ as { c: number[] }[])[0]!.c[0]
      expect(await count('ttl=1h')).to.equal(0)
      await ask(node, 'insert_events', { events: [{ person: 'p1', stamp: 5, action: 'x', _: { price: 2000 } }] })
      expect(await count('ttl=1h use_cached')).to.equal(0)
      expect(await count('ttl=1h')).to.equal(1)
      await ask(node, 'insert_events', { events: [{ person: 'p2', stamp: 5, action: 'x', _: { price: 2000 } }] })
      await count('ttl=1h refresh=1s use_cached')
      expect(await people(node, 'late')).to.equal(1)
      await count('ttl=1h refresh=1s')
      await ask(node, 'insert_events', { events: [{ person: 'p3', stamp: 5, action: 'x', _: { price: 2000 } }] })
      await eventually('it has happened', async () => (await people(node, 'late')) === 3)
    }))

  it('keep a segment right on every insert, and after a restart', () =>
    withNode(async (first) => {
      await shop(first)
      const script = '@segment rich ttl=1h on_insert:\n    match where price > 1000:\n        tally\n'
      await segments(first, script)
      const insert = (node: TestNode, person: string) =>
        ask(node, 'insert_events', { events: [{ person, stamp: 9, action: 'x', _: { price: 5000 } }] })
      expect(await people(first, 'rich')).to.equal(0)
      await insert(first, 'p1')
      await insert(first, 'new one')
      expect(await people(first, 'rich')).to.equal(2)
      await insert(first, 'p2')
      await first.node[Symbol.asyncDispose]()
      await onNode(first.folder, async (node) => {
        await insert(node, 'p3')
        expect(await people(node, 'rich')).to.equal(4)
        const [rich] = (await ask(node, 'list_segments', {})).segments as Body[]
        expect(rich).to.include({ people: 4, on_insert: true })
      })
    }))

  it('name the segment whose column is gone, and decide it anew when there is another one of that name', () =>
    withNode(async (node) => {
      await shop(node)
      await segments(node, '@segment kept ttl=1h on_insert:\n    match where page == "page 1":\n        tally\n')
      expect(await people(node, 'kept')).to.equal(5)
      await ask(node, 'drop_column', { column: 'page' })
      const question = { segments: 'kept', script: 'tally("all")\n' }
      const refused = await node.post({ operation: 'query_events', table: 'shop', ...question })
      expect(refused.status).to.equal(400)
      expect((refused.body as Body).detail).to.equal("Segment 'kept': Nothing sets 'page', and it is no column.")
      await ask(node, 'add_column', { column: 'page', type: 'text' })
      await ask(node, 'insert_events', { events: [{ person: 'new', stamp: 5, action: 'x', _: { page: 'page 1' } }] })
      expect(await people(node, 'kept')).to.equal(1)
    }))

  it('are counted wherever their table is described', () =>
    withNode(async (node) => {
      await shop(node)
      const { tables } = await node.ok<{ tables: Body[] }>({ operation: 'list_tables' })
      const all = await node.ok<Record<string, Record<string, Body>>>({ operation: 'describe_all' })
      const one = await node.ok<Record<string, Body>>({ operation: 'describe_database', database: 'data' })
      for (const described of [tables[0], all.data!.shop, one.shop, await ask(node, 'describe_table', {})])
        expect(described).to.include({ name: 'shop', record_count: EVENTS.length })
    }))

  it('answer the sections of a batch in order, and a failing one in its place', () =>
    withNode(async (node) => {
      await shop(node)
      const script =
        '@column page\n@column nope\n@segment s:\n    match where price == 3:\n        tally\n@use s\n@histogram h\n    return COUNT price\n'
      const nodes = (await ask(node, 'query_batch', { script }))._ as Body[]
      expect(nodes.map(({ g }) => g)).to.deep.equal(['page', 'nope', 's', 'h'])
      expect(nodes[1]!.error).to.include({ code: 'event_column_unknown' })
      expect(nodes[2]!.c).to.deep.equal([1])
      expect(nodes[3]).to.deep.equal({ g: 'h', c: [1], _: [{ g: 4, c: [1] }] })
      expect((await ask(node, 'list_segments', {})).segments).to.deep.equal([])
    }))

  it('answer a person that, inserted again, gives the same rows', () =>
    withNode(async (node) => {
      await shop(node)
      const values = { price: 1, _: [{ page: ['a', 'b'], tags: ['x', 'y'] }, { page: 'c' }, { secret: 'q' }] }
      await ask(node, 'insert_events', { events: [{ person: 'p1', stamp: 7, action: 'nested', _: values }] })
      const reply = await ask(node, 'query_person', { sid: 'p1' })
      const again = (reply.rows as Body[]).map((row) => ({ person: 'p1', ...row }))
      expect(await ask(node, 'insert_events', { events: again })).to.include({ inserted: 0, duplicates: again.length })
      const copy = (reply.rows as Body[]).map((row) => ({ person: 'copy', ...row }))
      await ask(node, 'insert_events', { events: copy })
      expect((await ask(node, 'query_person', { sid: 'copy' })).rows).to.deep.equal(reply.rows)
    }))

  it('run as jobs with progress and a result', () =>
    withNode(async (node) => {
      await shop(node)
      const { job_id: id } = await ask(node, 'query_events', { job: true, script: 'match:\n    tally("all")\n' })
      let job: Body = {}
      await eventually('it has happened', async () => {
        ;[job] = (await node.ok<Body[]>({ operation: 'get_job', id })) as [Body]
        return job.status === 'COMPLETE'
      })
      expect(job).to.include({ type: 'query_events', message: 'The query is done.' })
      expect(job.progress).to.include({ rows: 10, percent: 100 })
      expect(job.result).to.deep.equal({ _: [{ g: 'all', c: [10] }] })
      const wrong = await ask(node, 'query_events', { job: true, script: 'match:\n    tally(nothing(1))\n' })
      await eventually('it has failed', async () => {
        ;[job] = (await node.ok<Body[]>({ operation: 'get_job', id: wrong.job_id })) as [Body]
        return job.status === 'ERROR'
      })
      expect(job.message).to.equal("Line 2: There is no function 'nothing'.")
    }))

  it('stop after their time, also in the middle of a loop', () =>
    withNode(
      async (node) => {
        await shop(node)
        const script =
          'x = 0\nmatch:\n    match:\n        match:\n            match:\n                match:\n                    x = x + 1\ntally(x)\n'
        const events = Array.from({ length: 900 }, (_, at) => ({ person: 'long', stamp: at, action: 'a', _: {} }))
        await ask(node, 'insert_events', { events })
        const limit = (ms: number) => node.ok({ operation: 'set_configuration', 'http.statement_timeout_ms': ms })
        await limit(400)
        const answer = await node.post({ operation: 'query_events', table: 'shop', script })
        expect(answer.status, JSON.stringify(answer.body)).to.equal(408)
        await limit(30_000)
        expect(await people(node, '*')).to.equal(11)
      },
      { 'events.steps_max': '1000000000000' },
    ))

  it('stop when their job is cancelled', () =>
    withNode(
      async (node) => {
        await shop(node)
        const events = Array.from({ length: 900 }, (_, at) => ({ person: 'long', stamp: at, action: 'a', _: {} }))
        await ask(node, 'insert_events', { events })
        const script = 'match:\n    match:\n        match:\n            match:\n                x = 1\n'
        const { job_id: id } = await ask(node, 'query_events', { job: true, script })
        const status = async () => (await node.ok<Body[]>({ operation: 'get_job', id }))[0]!.status
        await eventually('it has happened', async () => (await status()) === 'IN_PROGRESS')
        await node.ok({ operation: 'cancel_job', id })
        await eventually('it has happened', async () => (await status()) === 'CANCELLED')
        expect(await people(node, '*')).to.equal(11)
      },
      { 'events.steps_max': '1000000000000' },
    ))

  it('refuse results that are too large', () =>
    withNode(
      async (node) => {
        await shop(node)
        const script = 'match:\n    tally(person, price)\n'
        const { status, body } = await node.post({ operation: 'query_events', table: 'shop', script })
        expect(status).to.equal(422)
        expect(body).to.include({ code: 'script_limit' })
      },
      { 'events.result_nodes_max': '20' },
    ))

  it('refuse columns of too many values, not those of which a filter or a bucket leaves few', () =>
    withNode(
      async (node) => {
        await shop(node)
        const events = Array.from({ length: 21 }, (_, at) => ({
          ...EVENTS[0]!,
          stamp: at,
          _: { page: `p${at}`, price: at },
        }))
        await ask(node, 'insert_events', { events })
        const status = async (more: Body) =>
          (await node.post({ operation: 'query_column', table: 'shop', ...more })).status
        expect(await status({ column: 'page' })).to.equal(422)
        expect(await status({ column: 'page', trim: 1 })).to.equal(422)
        expect(await status({ column: 'page', eq: 'p3' })).to.equal(200)
        expect(await status({ column: 'page', segments: '*,*', sub: 'p1' })).to.equal(422)
        expect(await status({ column: 'page', segments: '*,*', sub: 'p12' })).to.equal(200)
        expect(await status({ column: 'price' })).to.equal(422)
        expect(await status({ column: 'price', bucket: 100 })).to.equal(200)
        expect(await status({ column: 'price', lt: 3 })).to.equal(200)
      },
      { 'events.result_nodes_max': '20' },
    ))

  it('refuse histograms of too many buckets, those for each value of a column counted together', () =>
    withNode(
      async (node) => {
        await shop(node)
        const refused = async (more: Body) => {
          const request = { operation: 'query_histogram', table: 'shop', name: 'h', min: 0, ...more }
          const { status, body } = await node.post(request)
          return status === 200 ? 'answered' : (body as Body).code
        }
        const whole = { script: 'return SUM price\n', max: 70 }
        expect(await refused({ ...whole, bucket: 1 })).to.equal('answered')
        expect(await refused({ ...whole, bucket: 0.5 })).to.equal('script_limit')
        const each = { script: 'return SUM price where page == each_value\n', foreach: 'page', max: 70 }
        expect(await refused({ ...each, bucket: 5 })).to.equal('answered')
        expect(await refused({ ...each, bucket: 2 })).to.equal('script_limit')
        expect(await refused({ ...each, bucket: 2, trim: 1 })).to.equal('script_limit')
      },
      { 'events.result_nodes_max': '100' },
    ))

  it('refuse too many segments at once, however they are named', () =>
    withNode(async (node) => {
      await shop(node)
      const statusOf = async (operation: string, more: Body) =>
        (await node.post({ operation, table: 'shop', script: 'match:\n    tally(page)\n', ...more })).status
      for (const [count, status] of [
        [100, 200],
        [101, 400],
      ] as const) {
        const all = Array.from({ length: count }, () => '*')
        for (const segments of [all, all.join()]) {
          expect(await statusOf('query_events', { segments })).to.equal(status)
          expect(await statusOf('query_histogram', { segments, name: 'h', script: 'return 1\n' })).to.equal(status)
          expect(await statusOf('query_column', { segments, column: 'page', script: undefined })).to.equal(status)
        }
        for (const names of [all.join(), all.join(' ')])
          expect(await statusOf('query_batch', { script: `@use ${names}\n@column page\n` })).to.equal(status)
      }
    }))

  it('refuse results with too many characters, whoever asks for them', () =>
    withNode(
      async (node) => {
        await shop(node)
        const long = 'x'.repeat(300)
        const events = Array.from({ length: 30 }, (_, at) => ({
          ...EVENTS[0]!,
          stamp: at,
          _: { page: `${long}${at}` },
        }))
        await ask(node, 'insert_events', { events })
        const refused = async (operation: string, more: Body) => {
          const { status, body } = await node.post({ operation, table: 'shop', ...more })
          return [status, (body as Body).code, /3000 characters/.test(String((body as Body).detail))]
        }
        const limit = [422, 'script_limit', true]
        const script = (line: string) => ({ script: `match:\n    ${line}\n` })
        expect(await refused('query_events', script('tally(page)'))).to.deep.equal(limit)
        expect(await refused('query_events', script('tally(person, price, event_time, person, price)'))).to.deep.equal(
          limit,
        )
        expect(await refused('query_events', { ...script('debug(page)'), trace: true })).to.deep.equal(limit)
        const shared = { ...script('tally(page)'), segments: Array.from({ length: 100 }, () => '*') }
        expect((await node.post({ operation: 'query_events', table: 'shop', ...shared })).body).to.include({
          ...{ code: 'script_limit', detail: 'The result has more than 30 characters.' },
        })
        const sections = ['1', '2', '3', '12'].map((part) => `@column page sub=xx${part}`)
        const batch = (await ask(node, 'query_batch', { script: sections.slice(0, 3).join('\n') }))._ as Body[]
        expect(batch.map(({ error }) => (error as Body | undefined)?.code)).to.deep.equal([
          'result_too_large',
          'result_too_large',
          undefined,
        ])
        const many = Array.from({ length: 15 }, () => sections[2]).join('\n')
        const together = (await ask(node, 'query_batch', { script: many }))._ as Body[]
        const codes = together.map(({ error }) => (error as Body | undefined)?.code)
        expect(codes.filter((code) => code === undefined)).to.have.length.within(5, 10)
        expect(codes.at(-1)).to.equal('result_too_large')
        const histogram = { name: 'h', script: 'debug([page, page])\nmatch:\n    debug(page)\n', trace: true }
        expect(await refused('query_histogram', histogram)).to.deep.equal(limit)
        expect(await refused('query_column', { column: 'page' })).to.deep.equal([413, 'result_too_large', true])
        expect(await refused('query_person', { id: 'p0' })).to.deep.equal([413, 'result_too_large', true])
        await ask(node, 'query_person', { id: 'p1' })
        await ask(node, 'query_column', { column: 'page', sub: 'page' })
      },
      { 'events.result_characters_max': '3000' },
    ))

  it('count groups once for each segment', () =>
    withNode(
      async (node) => {
        await shop(node)
        const script = 'match:\n    tally(price)\n'
        await ask(node, 'query_events', { script })
        const { body } = await node.post({ operation: 'query_events', table: 'shop', script, segments: '*,*' })
        expect(body).to.include({ code: 'script_limit' })
      },
      { 'events.result_nodes_max': '40' },
    ))

  it('write what log() says into the log of the node, and into the answer when it is traced', () =>
    withNode(async (node) => {
      await shop(node)
      const script = 'log("seen ", person)\n'
      const { log } = await ask(node, 'query_events', { script, trace: true })
      expect((log as string[]).sort()).to.deep.equal(Array.from({ length: 10 }, (_, at) => `seen p${at}`))
      const logged = async () => {
        const lines = await node.ok<{ fields: { script_log?: string[] } }[]>({ operation: 'read_log', limit: 1000 })
        return lines.flatMap(({ fields }) => fields.script_log ?? [])
      }
      expect(await logged()).to.have.lengthOf(10)
      await ask(node, 'query_histogram', { name: 'h', script: 'log("bar")\nreturn 1\n' })
      await segments(node, '@segment s:\n    log("in")\n    tally\n')
      const said = await logged()
      expect(said.filter((line) => line === 'bar')).to.have.lengthOf(10)
      expect(said.filter((line) => line === 'in')).to.have.lengthOf(10)
    }))

  it('reach columns whatever they are called', () =>
    withNode(async (node) => {
      const names = ['match', 'person', 'action', 'session', 'column', 'None', 'SUM', 'unit price', "it's", '{{x}}']
      const columns = names.map((name) => ({ name, type: 'int' }))
      await node.ok({ operation: 'create_table', table: 'shop', kind: 'events', columns })
      const _ = Object.fromEntries(names.map((name, at) => [name, at + 1]))
      await ask(node, 'insert_events', { events: [{ person: 'a', stamp: 1, action: 'b', _ }] })
      for (const [at, name] of names.entries()) {
        const column = name === '{{x}}' ? '{{name}}' : `column['${name.replace("'", "\\'")}']`
        const script = `agg:\n    sum ${column} as s\n    ${column} as c\n    min {{name}} as m\n\nmatch where ${column} == ${at + 1}:\n    tally(SUM ${column} with ${column} where {{name}} > 0)\n`
        const answer = await ask(node, 'query_events', { script, str_name: name })
        expect(answer, name).to.deep.equal({ _: [{ g: at + 1, c: [at + 1, 1, at + 1] }] })
      }
      const made = (column: Body) =>
        node.post({ operation: 'add_column', table: 'shop', ...column }).then(({ body }) => (body as Body).detail)
      expect(await made({ column: '__stamp', type: 'int' })).to.match(/every event has something of this name/)
      expect(await made({ column: 'a', type: 'int', default: 3 })).to.match(/no default/)
      expect(await made({ column: 'a', type: 'int', unique: true })).to.match(/never unique/)
      expect(await made({ column: 'a', type: 'json' })).to.match(/text, int, double or bool/)
    }))

  it('hide what the caller may not see: scripts, columns, persons, tables', () =>
    withNode(async (node) => {
      await shop(node)
      const rights = (read: boolean) => ({ read, insert: false, update: false, delete: false })
      const visible = ['page', 'price', 'tags'].map((attribute_name) => ({ attribute_name, ...rights(true) }))
      await node.ok({
        operation: 'add_role',
        role: 'reader',
        permission: { data: { tables: { shop: { ...rights(true), attribute_permissions: visible } } } },
      })
      await node.ok({
        operation: 'add_user',
        role: 'reader',
        username: 'eve',
        password: 'a-password-of-eve',
        active: true,
      })
      const authorization = basic({ username: 'eve', password: 'a-password-of-eve' })
      const as = (body: Body) => node.post({ table: 'shop', ...body }, { authorization })
      const seen = await as({ operation: 'query_events', script: 'match:\n    tally(page)\n' })
      expect(seen.status, JSON.stringify(seen.body)).to.equal(200)
      const hidden = await as({ operation: 'query_events', script: 'match:\n    tally(column.secret)\n' })
      expect(hidden.body).to.include({ code: 'script_invalid' })
      expect(JSON.stringify(hidden.body)).not.to.contain('s0')
      expect((await as({ operation: 'query_column', column: 'secret' })).body).to.include({
        code: 'event_column_unknown',
      })
      const person = (await as({ operation: 'query_person', sid: 'p1' })).body as { rows: { attr: Body }[] }
      expect(person.rows.every(({ attr }) => attr.secret === undefined && attr.page !== undefined)).to.equal(true)
      const segment = '@segment s ttl=1h:\n    match where column.secret == "s0":\n        tally\n'
      expect((await as({ operation: 'query_segments', script: segment })).body).to.include({ code: 'script_invalid' })
      expect((await as({ operation: 'insert_events', events: EVENTS })).status).to.equal(403)
    }))

  it('hide columns also where a script takes them for variables, and segments that they decide', () =>
    withNode(async (node) => {
      await shop(node)
      const rights = { read: true, insert: false, update: false, delete: false }
      const visible = ['page', 'price', 'tags'].map((attribute_name) => ({ attribute_name, ...rights }))
      const permission = { data: { tables: { shop: { ...rights, attribute_permissions: visible } } } }
      await node.ok({ operation: 'add_role', role: 'reader', permission })
      const eve = { username: 'eve', password: 'a-password-of-eve' }
      await node.ok({ operation: 'add_user', role: 'reader', active: true, ...eve })
      const as = async (operation: string, more: Body) => {
        const { body } = await node.post({ table: 'shop', operation, ...more }, { authorization: basic(eve) })
        const { code, ...rest } = body as Body
        return code ?? rest._ ?? rest.segments ?? rest.message
      }
      // For eve 'secret' is a name that nothing sets: None.
      const script = '    x = secret\n    if x == "s0":\n        tally\n'
      const counted = (name: string, c: number) => [{ g: name, c: [c] }]
      expect((await segments(node, `@segment own ttl=1h:\n${script}`))._).to.deep.equal(counted('own', 5))
      for (const flags of ['', ' ttl=1h', ' ttl=1h on_insert', ' ttl=1h use_cached'])
        expect(await as('query_segments', { script: `@segment hers${flags}:\n${script}` })).to.deep.equal(
          counted('hers', 0),
        )
      expect(await as('query_segments', { script: `@segment own ttl=1h use_cached:\n${script}` })).to.equal(
        'section_invalid',
      )
      expect(await people(node, 'hers')).to.equal(0)
      await segments(node, '@segment bought ttl=1h:\n    match where action == "buy":\n        tally\n')
      await segments(
        node,
        '@segment both ttl=1h:\n    union(own, bought)\n@segment through ttl=1h:\n    union(both, both)\n',
      )
      const tally = { script: 'match where action == "buy":\n    tally("all")\n' }
      for (const segment of ['own', 'both', 'through']) {
        const use = { segments: segment }
        expect(await as('query_events', { ...use, ...tally })).to.equal('segment_unknown')
        expect(await as('query_column', { ...use, column: 'page' })).to.equal('segment_unknown')
        expect(await as('query_histogram', { ...use, name: 'h', script: 'return 1\n' })).to.equal('segment_unknown')
        const [batch] = (await as('query_batch', { script: `@use ${segment}\n@column page\n` })) as [Body]
        expect(batch.error).to.include({ code: 'segment_unknown' })
        const union = `@segment u:\n    union(${segment}, bought)\n`
        expect(await as('query_segments', { script: union })).to.equal('segment_unknown')
        expect(await as('drop_segment', { segment })).to.equal('segment_unknown')
      }
      expect(await as('query_events', { segments: 'bought,hers', ...tally })).to.deep.equal([
        { g: 'all', c: [10], c2: [0] },
      ])
      const listed = (await as('list_segments', {})) as Body[]
      expect(listed.map(({ name }) => name)).to.have.members(['bought', 'hers'])
      expect((await ask(node, 'list_segments', {})).segments).to.have.length(5)
      // What is brought up by inserts is decided as it was when it was defined.
      await segments(node, `@segment kept ttl=1h on_insert:\n${script}`)
      await ask(node, 'insert_events', { events: [{ person: 'new', stamp: 1, action: 'visit', _: { secret: 's0' } }] })
      await segments(node, '@segment all ttl=1h:\n    union(kept, hers)\n')
      expect([await people(node, 'kept'), await people(node, 'hers')]).to.deep.equal([6, 0])
    }))

  it('take newline-delimited JSON on the path of inserts', () =>
    withNode(async (node) => {
      await shop(node)
      const lines = `${JSON.stringify({ person: 'n', stamp: 1, action: 'a', _: {} })}\nnot json\n`
      const answer = await node.send('POST', '/v1/insert/shop', lines, {
        headers: { 'content-type': 'application/x-ndjson' },
      })
      expect(answer.body).to.deep.include({ inserted: 1, duplicates: 0 })
      expect((answer.body as { rejected: Body[] }).rejected[0]).to.include({ index: 1 })
      const object = await node.send('POST', '/v1/insert/shop', { person: 'n' })
      expect(object.status).to.equal(400)
      expect((await node.send('POST', '/v1/insert/shop', '[1,')).status).to.equal(400)
    }))

  it('forget a dropped table, and start a new one of its name from nothing', () =>
    withNode(async (node) => {
      await shop(node)
      await node.ok({ operation: 'drop_table', table: 'shop' })
      await node.ok({
        operation: 'create_table',
        table: 'shop',
        kind: 'events',
        columns: [{ name: 'page', type: 'text' }],
      })
      expect(await people(node, '*')).to.equal(0)
      expect(await ask(node, 'describe_table', {})).to.include({ record_count: 0, kind: 'events' })
    }))

  it('know columns that are added, and start them anew when they are dropped and added again', () =>
    withNode(async (node) => {
      await shop(node)
      await ask(node, 'drop_column', { column: 'page' })
      expect((await node.post({ operation: 'query_column', table: 'shop', column: 'page' })).body).to.include({
        code: 'event_column_unknown',
      })
      await ask(node, 'add_column', { column: 'page', type: 'text' })
      expect((await ask(node, 'query_column', { column: 'page' }))._).to.deep.equal([])
      await ask(node, 'insert_events', { events: [{ person: 'p1', stamp: 1, action: 'a', _: { page: 'z' } }] })
      expect((await ask(node, 'query_column', { column: 'page' }))._).to.deep.equal([
        { g: 'page', c: [1], _: [{ g: 'z', c: [1] }] },
      ])
    }))
})
