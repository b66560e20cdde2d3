import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually } from '../support/eventually.js'

const main = fileURLToPath(new URL('../../src/main.js', import.meta.url))

describe('the process', () => {
  let folder: string
  const children: ChildProcess[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'trellis-process-'))
  })
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  })

  function start(environment: Record<string, string> = {}, [program, ...args]: string[] = [process.execPath, main]) {
    const child = spawn(program!, args, {
      env: { PATH: process.env['PATH'], TRELLIS_DATA_DIR: folder, TRELLIS_HTTP_PORT: '0', ...environment },
    })
    children.push(child)
    const output = { out: '', err: '' }
    child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()))
    return { child, output }
  }

  async function ready(output: { out: string }): Promise<string> {
    const url = () => /^TrellisDB ready on (\S+)\n$/.exec(output.out)?.[1]
    await eventually('it is ready', () => url() !== undefined)
    return url()!
  }

  for (const [level, signal] of [
    ['silent', 'SIGTERM'],
    ['trace', 'SIGHUP'],
  ] as const)
    it(`prints one line on standard output when the log level is ${level}, and the first password once on standard error`, async () => {
      const first = start({ TRELLIS_LOG_LEVEL: level })
      const url = await ready(first.output)
      const password = /Password: +(\S+)/.exec(first.output.err)?.[1]
      const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
      const answer = await fetch(url, { method: 'POST', headers: { authorization }, body: '{"operation":"user_info"}' })
      expect(answer.status).to.equal(200)
      first.child.kill(signal)
      expect((await once(first.child, 'exit'))[0]).to.equal(0)
      expect(first.output.out).to.match(/^TrellisDB ready on http:\/\/127\.0\.0\.1:\d+\n$/)
      const second = start({ TRELLIS_LOG_LEVEL: level })
      const again = await ready(second.output)
      expect(second.output.err).not.to.include('Password')
      const later = await fetch(again, {
        method: 'POST',
        headers: { authorization },
        body: '{"operation":"user_info"}',
      })
      expect(later.status, 'the password of the first start still opens').to.equal(200)
    })

  it('tells the first password also where it then cannot listen', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { child, output } = start({ TRELLIS_HTTP_PORT: String((other.address() as AddressInfo).port) })
    expect((await once(child, 'close'))[0]).to.equal(1)
    other.close()
    expect(output.err).to.match(/Password: +\S+ .*EADDRINUSE.*http\.port/s)
  })

  it('names the files of TLS that cannot be used, and a first user who could not sign in', async () => {
    const file = join(folder, 'none.pem')
    writeFileSync(file, '')
    for (const [settings, said] of [
      [{ TRELLIS_HTTP_TLS_CERTIFICATE: file, TRELLIS_HTTP_TLS_KEY: file }, file],
      [{ TRELLIS_DATA_DIR: join(folder, 'other'), TRELLIS_ADMIN_USERNAME: 'a:b' }, 'colon'],
    ] as const) {
      const { child, output } = start(settings)
      expect((await once(child, 'close'))[0]).to.equal(1)
      expect(output.err)
        .to.match(/could not start: .*/)
        .and.include(said)
    }
  })

  it('refuses a second process on the same folder and names the first', async () => {
    const first = start()
    await ready(first.output)
    const second = start()
    const [code] = (await once(second.child, 'exit')) as [number]
    expect(code).not.to.equal(0)
    expect(second.output.err).to.include(String(first.child.pid))
  })

  it('starts again on the folder of a process that was killed', async () => {
    const first = start()
    await ready(first.output)
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    await ready(start().output)
  })

  it('ends with a sentence when the data folder cannot be used', async () => {
    writeFileSync(join(folder, 'file'), '')
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'))
    symlinkSync(join(folder, 'circle'), join(folder, 'circle'))
    const unusable = ['file', 'file/below', 'dangling', 'dangling/below', 'circle'].map((name) => join(folder, name))
    // There the system makes no folders, whoever asks.
    if (process.platform === 'linux') unusable.push('/proc/x', '/proc/x/below', '/proc')
    for (const path of unusable) {
      const { child, output } = start({ TRELLIS_DATA_DIR: path })
      expect((await once(child, 'exit'))[0], path).to.equal(1)
      expect(output.err).to.include(`The data folder ${path} cannot be used: `)
      expect(output.err).to.include('data_dir')
    }
  })

  it('ends with a sentence where it may not take the address space of its data file', async function () {
    if (process.platform !== 'linux') this.skip()
    const limited = ['sh', '-c', 'ulimit -v 40000000; exec "$0" "$1"', process.execPath, main]
    const refused = start({}, limited)
    expect(await once(refused.child, 'close')).to.eql([1, null])
    expect(refused.output.err).to.include('storage.map_bytes')
    await ready(start({ TRELLIS_STORAGE_MAP_BYTES: '1000000000' }, limited).output)
  })

  it('ends when it is told to while it starts, also as the first process of a container', async function () {
    const alone = ['unshare', '--pid', '--fork', '--kill-child']
    if (spawnSync(alone[0]!, [...alone.slice(1), 'true']).status !== 0) this.skip()
    const { child, output } = start({}, [...alone, process.execPath, main])
    await eventually('it starts', () => output.err.includes('First super user'))
    const ended = once(child, 'exit')
    process.kill(Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1')), 'SIGTERM')
    await ended
  })

  it('ends with a sentence when a setting is unknown', async () => {
    const { child, output } = start({ TRELLIS_HTTP_PROT: '1' })
    expect((await once(child, 'exit'))[0]).to.equal(78)
    expect(output.err).to.include('TRELLIS_HTTP_PORT')
    expect(output.out).to.equal('')
  })
})
