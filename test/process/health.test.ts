import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { createAuthority, signNode } from '../../src/mesh/authority.js'
import { withProcess } from '../support/process.js'

describe('the health check of the container', () => {
  it('asks the node where it listens, with TLS and without', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-health-'))
    try {
      await createAuthority(folder)
      const { certificate, privateKey } = await signNode(folder, 'node1', ['127.0.0.1'])
      const tls = { TRELLIS_HTTP_TLS_CERTIFICATE: certificate, TRELLIS_HTTP_TLS_KEY: privateKey }
      await withProcess(
        async ({ url }) => {
          const port = new URL(url).port
          const check = (settings: Record<string, string>) => {
            const env = { PATH: process.env['PATH'], TRELLIS_HTTP_HOST: '::', TRELLIS_HTTP_PORT: port, ...settings }
            return spawnSync(process.execPath, [resolve('docker/health.mjs')], { env }).status
          }
          expect(check(tls)).to.equal(0)
          expect(check({})).to.equal(1)
          expect(check({ ...tls, TRELLIS_HTTP_PORT: '1' })).to.equal(1)
        },
        { 'http.tls.certificate': certificate, 'http.tls.key': privateKey },
      )
      await withProcess(async ({ url }) => {
        const env = { PATH: process.env['PATH'], TRELLIS_HTTP_PORT: new URL(url).port }
        expect(spawnSync(process.execPath, [resolve('docker/health.mjs')], { env }).status).to.equal(0)
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
