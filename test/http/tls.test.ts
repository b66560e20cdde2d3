import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectSecurely, type TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { Pool } from 'undici'
import { createAuthority, signNode } from '../../src/mesh/authority.js'
import { ADMIN, basic, withNode } from '../support/node.js'
import { withProcess } from '../support/process.js'

describe('HTTPS', () => {
  it('serves with the certificate of the settings, and no plain text on the same port, and waits for nobody to shake hands', () =>
    withCertificate(async ({ certificate, privateKey, certificateAuthority }) => {
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
    }))

  it('is not begun with a key of another kind than that of the certificate, with which nobody could shake hands', () =>
    withCertificate(async ({ certificate }, folder) => {
      const key = join(folder, 'other.key')
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
      const settings = { 'http.tls.certificate': certificate, 'http.tls.key': key }
      const error = await withNode(async () => undefined, settings).catch((caught: Error) => caught)
      expect(error).to.have.property('message').that.includes('the key is not that of the certificate')
    }))

  it('takes as many connections as http.sockets_max says, also when that is raised while the node runs', () =>
    withCertificate(async ({ certificate, privateKey, certificateAuthority }, folder) => {
      const config = join(folder, 'settings.yaml')
      writeFileSync(config, 'http: { sockets_max: 1 }\n')
      const ca = readFileSync(certificateAuthority)
      const settings = { config, 'http.tls.certificate': certificate, 'http.tls.key': privateKey }
      await withProcess(async ({ url }) => {
        const pool = new Pool(url, { connect: { ca }, connections: 1 })
        const body = '{"operation":"set_configuration","http.sockets_max":10}'
        const headers = { authorization: basic(ADMIN) }
        const answer = await pool.request({ method: 'POST', path: '/', headers, body })
        expect(answer.statusCode, await answer.body.text()).to.equal(200)
        const sockets: TLSSocket[] = []
        try {
          for (let index = 0; index < 5; index++) {
            const socket = connectSecurely({ host: '127.0.0.1', port: Number(new URL(url).port), ca })
            sockets.push(socket)
            await once(socket, 'secureConnect')
          }
        } finally {
          for (const socket of sockets) socket.destroy()
          await pool.destroy()
        }
      }, settings)
    }))
})

type Files = Awaited<ReturnType<typeof signNode>>

async function withCertificate<Result>(test: (files: Files, folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-tls-'))
  try {
    await createAuthority(folder)
    return await test(await signNode(folder, 'node1', ['127.0.0.1']), folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
