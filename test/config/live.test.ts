import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventually } from '../support/eventually.js'
import { onNode, withNode } from '../support/node.js'

const code = ({ body }: { body: unknown }) => (body as { code?: string; detail?: string }).code
const detail = ({ body }: { body: unknown }) => (body as { detail?: string }).detail

describe('set_configuration', () => {
  it('puts live settings in force at once, others after a restart, and keeps both', async () => {
    await withNode(async (node) => {
      const answer = await node.ok<{ live: string[]; restart: string[] }>({
        operation: 'set_configuration',
        'http.body_depth_max': 10,
        access_users_max: 2,
      })
      expect([answer.live, answer.restart]).to.deep.equal([['http.body_depth_max'], ['access.users_max']])
      const deep = `{"operation":"ping","x":${'['.repeat(11)}${']'.repeat(11)}}`
      expect(code(await node.send('POST', '/', deep))).to.equal('body_too_complex')
      const add = (n: number) =>
        node.post({ operation: 'add_user', username: `u${n}`, password: 'a-password', role: 'member' })
      expect((await add(1)).status).to.equal(200)
      expect((await add(2)).status).to.equal(200)
      const log = await node.ok<{ target: string }[]>({ operation: 'read_audit_log', changed_by: 'set_configuration' })
      expect(log[0]!.target).to.equal('http.body_depth_max, access.users_max')
      expect(statSync(join(node.folder, 'settings.json')).mode & 0o077).to.equal(0)
      await node.node[Symbol.asyncDispose]()
      await onNode(node.folder, async (again) => {
        expect(code(await again.send('POST', '/', deep))).to.equal('body_too_complex')
        expect(
          code(await again.post({ operation: 'add_user', username: 'u3', password: 'a-password', role: 'member' })),
        ).to.equal('too_many_entries')
      })
    })
  })

  it('refuses unknown settings and names the nearest, wrong values, secrets, and what a flag sets; nothing is stored then', async () => {
    await withNode(async (node) => {
      const set = (changes: Record<string, unknown>) => node.post({ operation: 'set_configuration', ...changes })
      expect(detail(await set({ 'log.levle': 'warn' }))).to.include("'log.level'")
      expect(detail(await set({ nope_setting: 1 }))).to.include('Unknown setting nope_setting')
      expect(detail(await set({ 'http.sockets_max': 0 }))).to.include('http.sockets_max')
      expect(code(await set({}))).to.equal('setting_invalid')
      expect(code(await set({ 'http.sockets_max': 5, 'log.level': 'loud' }))).to.equal('setting_invalid')
      expect(code(await set({ 'http.port': 1 }))).to.equal('setting_fixed')
      expect(code(await set({ 'admin.password': 'x' }))).to.equal('setting_fixed')
      const endless = '{"operation":"set_configuration","access.audit_entries_max":1e400}'
      expect(code(await node.send('POST', '/', endless))).to.equal('setting_invalid')
      for (const value of [null, {}, [], { a: 1 }])
        expect((await set({ 'http.sockets_max': value })).status).to.equal(400)
      expect(() => readFileSync(join(node.folder, 'settings.json'))).to.throw()
    })
  })
})

describe('read_log', () => {
  it('answers the lines of requests, without bodies and secrets', async () => {
    await withNode(async (node) => {
      await node.post({ operation: 'add_user', username: 'x', password: 'a-planted-password', role: 'ghost' })
      let lines: { level: string; fields: Record<string, unknown> }[] = []
      await eventually('the request is in the log', async () => {
        lines = await node.ok({ operation: 'read_log', filter: 'add_user' })
        return lines.length > 0
      })
      expect(lines).to.have.length(1)
      expect(lines[0]!.fields).to.include({ operation: 'add_user', user: 'admin', status: 404 })
      expect(JSON.stringify(await node.ok({ operation: 'read_log' }))).not.to.match(/a-planted-password|Basic/)
      const asc = await node.ok<{ timestamp: string }[]>({ operation: 'read_log', order: 'asc' })
      const times = asc.map(({ timestamp }) => timestamp)
      expect(times).to.deep.equal([...times].sort())
    })
  })
})
