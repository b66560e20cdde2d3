import { expect } from 'chai'
import { withNode } from '../support/node.js'

const APP = 'https://app.example'

describe('calls from web pages', () => {
  it('are allowed for the configured origins, with the headers that the client sends and reads', () =>
    withNode(
      async (node) => {
        const asked = {
          Origin: APP,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'idempotency-key',
        }
        const before = await node.send('OPTIONS', '/', undefined, { authorization: null, headers: asked })
        expect(before.status).to.equal(204)
        expect(before.headers).to.include({ 'access-control-allow-origin': APP, vary: 'Origin' })
        expect(before.headers['access-control-allow-headers'])
          .to.contain('Idempotency-Key')
          .and.contain('Authorization')
        const answer = await node.post({ operation: 'ping' }, { headers: { Origin: APP } })
        expect(answer.headers).to.include({
          'access-control-allow-origin': APP,
          'access-control-expose-headers': 'X-Request-Id, Retry-After',
        })
        const refused = await node.post({ operation: 'nothing' }, { headers: { Origin: APP } })
        expect(refused.status).to.equal(400)
        expect(refused.headers, 'a page must be able to read problems').to.include({
          'access-control-allow-origin': APP,
        })
        const other = await node.post({ operation: 'ping' }, { headers: { Origin: 'https://evil.example' } })
        expect(other.headers).not.to.have.property('access-control-allow-origin')
      },
      { 'http.cors_origins': `${APP},https://other.example` },
    ))

  it('are not allowed by themselves', () =>
    withNode(async (node) => {
      const headers = { Origin: APP, 'Access-Control-Request-Method': 'POST' }
      const before = await node.send('OPTIONS', '/', undefined, { authorization: null, headers })
      expect(before.status).to.equal(405)
      expect(before.headers).not.to.have.property('access-control-allow-origin')
    }))

  it('are refused where a browser would send them unasked, with a password that it remembers', () =>
    withNode(
      async (node) => {
        const from = async (origin: string | undefined, type: string) => {
          const headers = { ...(origin !== undefined && { Origin: origin }), 'content-type': type }
          return (await node.post({ operation: 'create_database', database: 'made' }, { headers })).status
        }
        const unasked = ['text/plain', 'text/plain; charset=utf-8', 'application/x-www-form-urlencoded', '']
        for (const type of [...unasked, 'multipart/form-data; boundary=x'])
          for (const origin of ['https://evil.example', 'null', `${node.url}.evil.example`])
            expect(await from(origin, type), `${origin} ${type}`).to.equal(403)
        expect(await from(undefined, 'text/plain'), 'no page').to.equal(200)
        for (const origin of [node.url, APP]) expect(await from(origin, 'text/plain'), origin).to.equal(400)
        const byGet = async (site: string | undefined, origin?: string) => {
          const headers = { ...(site && { 'sec-fetch-site': site }), ...(origin && { origin }) }
          return (await node.send('GET', '/v1/revent/t/trigger/t/sub/s?host=hook.example', undefined, { headers }))
            .status
        }
        for (const site of ['cross-site', 'same-site']) expect(await byGet(site), `an image of ${site}`).to.equal(403)
        expect(await byGet('cross-site', 'https://evil.example')).to.equal(403)
        expect(await byGet('cross-site', APP)).to.equal(404)
        for (const site of [undefined, 'none', 'same-origin']) expect(await byGet(site), `${site}`).to.equal(404)
        // A proxy may bring the page and the node together under one origin; of this type a browser asks.
        expect(await from('https://behind-a-proxy.example', 'application/json')).to.equal(400)
      },
      { 'http.cors_origins': APP },
    ))

  it('are refused so also where every origin may call', () =>
    withNode(
      async (node) => {
        const headers = { Origin: 'https://evil.example', 'content-type': 'text/plain' }
        const answer = await node.post({ operation: 'create_database', database: 'made' }, { headers })
        expect(answer.status).to.equal(403)
        expect(answer.headers).to.include({ 'access-control-allow-origin': headers.Origin })
        expect((await node.post({ operation: 'ping' }, { headers: { Origin: headers.Origin } })).status).to.equal(200)
      },
      { 'http.cors_origins': '*' },
    ))
})
