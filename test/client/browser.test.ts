import { expect } from 'chai'
import { findBrowser, servePages } from '../support/browser.js'
import { ADMIN, withNode } from '../support/node.js'

const browser = findBrowser()

describe('the typed client in a browser', () => {
  const test = browser === undefined ? it.skip : it
  const why = browser === undefined ? ' (skipped: no chromium on this machine; BROWSER_PATH names another)' : ''

  test(`signs in, writes, reads and gets problems from a page of an allowed origin${why}`, async () => {
    await using pages = await servePages()
    await withNode(
      async ({ url }) => {
        const told = await pages.run(
          browser!,
          `import { connect, TrellisProblem } from '/client/index.js'
const db = connect({ url: '${url}', username: 'admin', password: '${ADMIN.password}' })
await db.createTable({ database: 'dev', table: 'dog', primary_key: 'id' })
await db.insert({ database: 'dev', table: 'dog', records: [{ id: 1, name: 'Pénny 🐕' }] })
const { operation_token: token } = await db.createAuthenticationTokens()
const rows = await connect({ url: '${url}', token }).searchById({ database: 'dev', table: 'dog', ids: [1], get_attributes: ['name'] })
const problem = await db.describeOperations({ name: 'zzz' }).catch((error) => error)
const { inserted_hashes: kept } = await db.insert({ database: 'dev', table: 'dog', records: [{ name: 'x' }] }, { idempotencyKey: 'k' })
const again = await db.insert({ database: 'dev', table: 'dog', records: [{ name: 'x' }] }, { idempotencyKey: 'k' })
tell({
  rows,
  problem: [problem instanceof TrellisProblem, problem.code, problem.status, typeof problem.requestId],
  once: kept[0] === again.inserted_hashes[0],
  agent: navigator.userAgent,
})`,
        )
        expect(told).to.deep.include({
          rows: [{ name: 'Pénny 🐕' }],
          problem: [true, 'operation_unknown', 400, 'string'],
          once: true,
        })
        expect((told as { agent: string }).agent).to.include('Chrome')
      },
      { 'http.cors_origins': pages.origin },
    )
  })

  test(`is told nothing from a page of another origin${why}`, async () => {
    await using pages = await servePages()
    await withNode(
      async ({ url }) => {
        const told = await pages.run(
          browser!,
          `import { connect, TrellisUnreachable } from '/client/index.js'
const error = await connect({ url: '${url}', retries: 0 }).ping().catch((caught) => caught)
tell({ refused: error instanceof TrellisUnreachable })`,
        )
        expect(told).to.deep.equal({ refused: true })
      },
      { 'http.cors_origins': 'http://elsewhere.example' },
    )
  })
})
