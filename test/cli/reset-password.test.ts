import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { connect } from '../../src/client/index.js'
import { startKillable } from '../support/killable-node.js'
import { ADMIN } from '../support/node.js'
import { trellis } from '../support/trellis.js'

const newPassword = (out: string) => /shown once: (\S+)/.exec(out)![1]!

describe('trellis reset-password', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'trellis-reset-'))
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  it('lets the users of a stopped node in again; the password that was configured is told to be another one', async () => {
    {
      await using node = await startKillable(folder)
      await node.client.call('add_user', {
        username: 'ann',
        password: 'password of ann',
        role: 'super_user',
        active: true,
      })
      const early = await trellis(['reset-password', '--data_dir', folder])
      expect(early).to.include({ code: 1, out: '' })
      expect(early.err).to.contain(`${node.child.pid}`)
    }
    const first = await trellis(['reset-password', '--data_dir', folder])
    expect(first).to.include({ code: 0, err: '' })
    const ann = await trellis(['reset-password', 'ann', '--json'], { environment: { TRELLIS_DATA_DIR: folder } })
    expect(JSON.parse(ann.out)).to.have.all.keys('username', 'password')
    await using node = await startKillable(folder, { TRELLIS_LOG_LEVEL: 'warn' })
    const passwords = { admin: newPassword(first.out), ann: (JSON.parse(ann.out) as { password: string }).password }
    for (const [username, password] of Object.entries(passwords)) {
      const client = connect({ url: node.url, username, password })
      expect(await client.call('user_info', {})).to.include({ username })
    }
    const refused = await node.client.call('user_info', {}).catch((error: { status: number }) => error.status)
    expect(refused).to.equal(401)
    expect(node.errors()).to.contain('admin.password is for the first start only').and.not.contain(ADMIN.password)
  })

  it('means the first super user, whatever the settings beside it call that one', async () => {
    await (await startKillable(folder, { TRELLIS_ADMIN_USERNAME: 'root' })).kill()
    const environment = { TRELLIS_ACCESS_PASSWORD_LENGTH_MIN: '64' }
    const { out } = await trellis(['reset-password', '--data_dir', folder, '--json'], { environment })
    expect(JSON.parse(out)).to.include({ username: 'root' })
  })

  it('says what is wrong with a name or a folder, and makes none', async () => {
    const none = join(folder, 'none')
    const missing = await trellis(['reset-password', '--data_dir', none])
    expect(missing).to.include({ code: 2, out: '' })
    expect(missing.err).to.contain(`no data folder '${none}'`)
    expect(existsSync(none)).to.equal(false)
    await (await startKillable(folder)).kill()
    const unknown = await trellis(['reset-password', 'nobody', '--data_dir', folder])
    expect(unknown).to.include({ code: 1, out: '' })
    expect(unknown.err).to.contain('nobody')
    expect((await trellis(['reset-password', 'a', 'b'])).code).to.equal(2)
  })
})
