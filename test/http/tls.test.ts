import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Pool } from 'undici'
import { createAuthority, signNode } from '../../src/mesh/authority.js'
import { ADMIN, basic } from '../support/node.js'
import { withProcess } from '../support/process.js'

describe('HTTPS', () => {
  it('serves with the certificate of the settings, and no plain text on the same port, and waits for nobody to shake hands', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-tls-'))
    try {
      await createAuthority(folder)
      const { certificate, privateKey, certificateAuthority } = await signNode(folder, 'node1', ['127.0.0.1'])
      const settings = {
        'http.tls.certificate': certificate,
        'http.tls.key': privateKey,
        'http.headers_timeout_ms': '3000',
      }
      await withProcess(async ({ url }) => {
        expect(url).to.match(/^https:/)
        const pool = new Pool(url, { connect: { ca: readFileSync(certificateAuthority) } })
        const headers = { authorization: basic(ADMIN) }
        const answer = await pool.request({ method: 'POST', path: '/', headers, body: '{"operation":"user_info"}' })
        expect(answer.statusCode).to.equal(200)
        expect(await answer.body.json()).to.include({ username: 'admin' })
        await pool.destroy()
        const plain = await fetch(url.replace('https', 'http')).catch((error: unknown) => error)
        expect(plain).to.be.instanceOf(Error)
        const silent = connect(Number(new URL(url).port), '127.0.0.1')
        const started = performance.now()
        silent.on('error', () => {})
        await once(silent, 'close')
        expect(performance.now() - started, 'by itself Node.js waits for 120 s').to.be.below(60_000)
      }, settings)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
