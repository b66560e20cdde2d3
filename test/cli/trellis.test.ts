import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { settings } from '../../src/config/index.js'
import { readContracts } from '../../src/contracts/index.js'
import { createAuthority, signNode } from '../../src/mesh/authority.js'
import { eventually } from '../support/eventually.js'
import { ADMIN, withNode } from '../support/node.js'
import { asAdmin, trellis } from '../support/trellis.js'

describe('the command line', () => {
  it('lists every operation in its help', async () => {
    const { code, out } = await trellis(['help'])
    expect(code).to.equal(0)
    for (const { operation, summary } of readContracts())
      expect(out).to.match(new RegExp(`^  ${operation} +${summary.slice(0, 20)}`, 'm'))
  })

  it('tells the fields, the examples as commands and the problems of one operation', async () => {
    const { out } = await trellis(['help', 'create_authentication_tokens'])
    expect(out).to.match(/^ {2}username {2,}string\. Name of the user/m) // as wide as the longest name
    expect(out).to.contain('trellis create_authentication_tokens username=admin password=wrong')
    expect(out).to.contain('Problems: invalid_credentials')
  })

  it('tells how a node is started, and starts none', async () => {
    for (const args of [
      ['start', '--help'],
      ['--help', 'start'],
    ]) {
      const { code, out } = await trellis(args)
      expect(code).to.equal(0)
      for (const { path } of settings) expect(out).to.match(new RegExp(`^  --${path} +\\S`, 'm'))
    }
  })

  it('tells how each of its commands is used, however it is asked', async () => {
    const flags: Record<string, string[]> = {
      import: ['table', 'database', 'action', 'format', 'url', 'json'],
      query: ['table', 'database', 'url'],
      restore: ['data_dir'],
      'reset-password': ['data_dir', 'json'],
      'cluster-ca': ['folder', 'hosts'],
      help: [],
    }
    const asked: [string, ...string[]][] = [
      ...Object.keys(flags).map((command): [string, ...string[]] => [command, 'help', command]),
      ['import', 'import', 'x.csv', '--help'],
      ['query', '-h', 'query'],
    ]
    for (const [command, ...args] of asked) {
      const { code, out, err } = await trellis(args)
      expect({ code, err }, args.join(' ')).to.deep.equal({ code: 0, err: '' })
      expect(out).to.match(new RegExp(`^${command}: .*\\n(.*\\n)*Usage:\\n  trellis ${command} `))
      const told = out.match(/^ {2}--\w+/gm)?.map((flag) => flag.trim()) ?? []
      expect(told).to.include.members(flags[command]!.map((flag) => `--${flag}`))
      expect(out).to.not.contain('Operations on')
    }
  })

  it('answers people with lines and tables, programs with JSON', () =>
    withNode(async (node) => {
      const environment = asAdmin(node)
      const people = await trellis(['status'], { environment })
      expect(people.code).to.equal(0)
      expect(people.out)
        .to.match(/^node +node1$/m)
        .and.match(/^memory_bytes +[\d.]+ MB$/m)
      const programs = await trellis(['status', '--json'], { environment })
      expect(JSON.parse(programs.out)).to.include({ node: 'node1', state: 'ready' })
      const table = await trellis(['describe_operations'], { environment })
      expect(table.out.split('\n')[0]).to.match(/^operation +group +summary/)
      expect(table.out).to.match(/^ping +system +Answers that the node is there\./m)
      const one = await trellis(['describe_operations', 'name=ping'], { environment })
      expect(one.out).to.match(/^operation +ping$/m)
    }))

  it('writes an answer to a file that only its owner reads', () =>
    withNode(async (node) => {
      const file = join(node.folder, 'answer.txt')
      const { code } = await trellis(['metrics', '--output', file], { environment: asAdmin(node) })
      expect(code).to.equal(0)
      expect(readFileSync(file, 'utf8')).to.contain('# HELP')
      expect(statSync(file).mode & 0o777).to.equal(0o600)
    }))

  it('leaves what is no file where an answer goes, and says before it asks where none can go', () =>
    withNode(async (node) => {
      const environment = asAdmin(node)
      const pipe = join(node.folder, 'pipe')
      execFileSync('mkfifo', [pipe])
      const read = readFile(pipe, 'utf8')
      expect((await trellis(['ping', '--output', pipe], { environment })).code).to.equal(0)
      expect(JSON.parse(await read)).to.include({ pong: true })
      expect(statSync(pipe).isFIFO()).to.equal(true)
      const [target, link] = [join(node.folder, 'target'), join(node.folder, 'link')]
      writeFileSync(target, 'what was there before, and is longer')
      symlinkSync('target', link)
      expect((await trellis(['ping', '--output', link], { environment })).code).to.equal(0)
      expect(JSON.parse(readFileSync(target, 'utf8'))).to.include({ pong: true })
      for (const [path, why] of [
        [join(node.folder, 'none', 'x'), 'ENOENT'],
        [node.folder, 'is a folder'],
      ] as const) {
        const { code, err } = await trellis(['create_database', 'database=dev', '--output', path], { environment })
        expect([code, err]).to.deep.equal([2, err])
        expect(err).to.contain(why).and.not.contain('    at ')
      }
      expect((await node.post({ operation: 'describe_database', database: 'dev' })).status).to.equal(404)
      // Somebody else may have put the file there before, and hold it open.
      const early = openSync(`${target}.part`, 'w+', 0o666)
      expect((await trellis(['ping', '--output', target], { environment })).code).to.equal(0)
      expect(fstatSync(early).size).to.equal(0)
      closeSync(early)
      expect(statSync(target).mode & 0o777).to.equal(0o600)
    }))

  it('says that its output could not be written, but for a reader that has seen enough', async function () {
    if (process.platform !== 'linux') this.skip()
    const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
    for (const [where, code, said] of [
      ['> /dev/full', 2, /^trellis: ENOSPC/],
      ['| true', 0, /^$/],
    ] as const) {
      const command = `set -o pipefail; '${process.execPath}' '${program}' help ${where}`
      const { status, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' })
      expect([status, stderr]).to.deep.equal([code, stderr])
      expect(stderr).to.match(said)
    }
  })

  it('says what to do about a certificate that nobody known has signed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-authority-'))
    try {
      await createAuthority(folder)
      const { certificate, privateKey, certificateAuthority } = await signNode(folder, 'node1', ['127.0.0.1'])
      const settings = { 'http.tls.certificate': certificate, 'http.tls.key': privateKey }
      await withNode(async (node) => {
        const ping = (environment = {}) => trellis(['ping', '--url', node.url], { environment })
        const { code, err } = await ping()
        expect([code, err]).to.deep.equal([3, err])
        expect(err).to.include('NODE_EXTRA_CA_CERTS')
        expect((await ping({ NODE_EXTRA_CA_CERTS: certificateAuthority })).code).to.equal(0)
      }, settings)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('refuses flags that would do nothing', () =>
    withNode(async (node) => {
      const environment = asAdmin(node)
      for (const [args, why] of [
        [['list_tables', '--database', 'dev'], 'Fields are given as name=value: database=dev.'],
        [['query', 'x.pyql', '--table', 't', '--output', 'x'], 'query takes no --output.'],
        [['--data_dir', 'x', 'start'], 'follow the word: trellis start --SETTING VALUE.'],
        [['ping', '--output', join(node.folder, 'x'), '--wait'], 'give one of them'],
        [['ping', '--json=false'], '--json takes no value'],
        [['ping', '--timeout_ms='], 'must be a number of milliseconds'],
        [['search_by_id', 'table=t', 'ids=1', 'ids=2'], "'ids' is given twice"],
      ] as const) {
        const { code, err } = await trellis([...args], { environment })
        expect([code, err]).to.deep.equal([2, err])
        expect(err).to.contain(why)
      }
    }))

  it('ends with 3 when an answer breaks off, and shows no password of an address', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('[{"a":1},', () => response.destroy())
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const url = ['--url', `http://127.0.0.1:${port}`]
    const folder = mkdtempSync(join(tmpdir(), 'trellis-output-'))
    try {
      for (const how of [[], ['--json'], ['--output', join(folder, 'x')]]) {
        const { code, err } = await trellis(['status', ...url, ...how])
        expect([code, err], how[0]).to.deep.equal([3, err])
        expect(err).to.contain('broke off').and.not.contain('    at ')
      }
      expect(readdirSync(folder)).to.deep.equal([])
      const { code, err } = await trellis(['status', '--url', `http://ann:secret@127.0.0.1:${port}`])
      expect([code, err.includes('secret')]).to.deep.equal([2, false])
    } finally {
      rmSync(folder, { recursive: true })
      server.close()
    }
  })

  it('leaves no file of an answer that Ctrl-C has ended', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-output-'))
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('[{"a":1},')
    }).listen(0, '127.0.0.1')
    try {
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const file = join(folder, 'x')
      const begun = eventually('there is a part', () => existsSync(`${file}.part`))
      await trellis(['status', '--url', `http://127.0.0.1:${port}`, '--output', file], { interrupt: begun })
      expect(readdirSync(folder)).to.deep.equal([])
    } finally {
      server.closeAllConnections()
      server.close()
      rmSync(folder, { recursive: true })
    }
  })

  it('signs certificates for names and addresses only, with blanks between them or without', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-authority-'))
    try {
      const authority = (...args: string[]) => trellis(['cluster-ca', ...args, '--folder', folder])
      expect((await authority('create')).code).to.equal(0)
      expect((await authority('sign', 'one', '--hosts', 'one.example.com, 192.0.2.1 ,2001:db8::1')).code).to.equal(0)
      const { subjectAltName } = new X509Certificate(readFileSync(join(folder, 'one', 'node.crt')))
      expect(subjectAltName).to.contain('DNS:one.example.com, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1')
      for (const hosts of ['https://one.example.com', 'one:9932', '[::1]', 'a b'])
        expect((await authority('sign', 'two', '--hosts', hosts)).err).to.contain('is no name or address of a machine')
      for (const words of [
        ['create', 'x'],
        ['sign', 'two', 'x'],
      ])
        expect((await authority(...words)).code).to.equal(2)
      expect(existsSync(join(folder, 'two'))).to.equal(false)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('takes address and credentials from flags before the environment before ~/.trellis', () =>
    withNode(async (node) => {
      const home = mkdtempSync(join(tmpdir(), 'trellis-home-'))
      try {
        const settings = join(home, '.trellis')
        writeFileSync(settings, `url: ${node.url}\nusername: ${ADMIN.username}\npassword: ${ADMIN.password}\n`, {
          mode: 0o600,
        })
        expect((await trellis(['user_info', '--json'], { home })).out).to.contain('"username":"admin"')
        const nobody = { TRELLIS_USERNAME: 'nobody', TRELLIS_PASSWORD: 'x' }
        expect((await trellis(['user_info'], { home, environment: nobody })).code).to.equal(4)
        const flags = ['--username', ADMIN.username, '--password', ADMIN.password]
        expect((await trellis(['user_info', ...flags], { home, environment: nobody })).code).to.equal(0)
        chmodSync(settings, 0o644)
        const open = await trellis(['user_info'], { home })
        expect(open).to.include({ code: 2, out: '' })
        expect(open.err).to.contain(`chmod 600 ${settings}`)
      } finally {
        rmSync(home, { recursive: true })
      }
    }))

  it('ends with a code of its own for each kind of failure and says what to do next', () =>
    withNode(async (node) => {
      const environment = asAdmin(node)
      const cases: [string[], number, RegExp][] = [
        [['pingg'], 2, /no operation 'pingg'\. Did you mean 'ping'\?/],
        [['ping', 'nmae=1'], 2, /'nmae' is not a field of ping/],
        [['ping', '--urk', 'x'], 2, /Unknown flag --urk\. Did you mean 'url'\?/],
        [['ping', 'word'], 2, /'word' is not a field: fields are given as name=value/],
        [['refresh_operation_token', 'refresh_token=x'], 4, /invalid token\nSay who you are/],
        [['describe_operations', 'name=zzz'], 1, /Operation 'zzz' not found/],
        [['ping', '--url', 'http://127.0.0.1:1'], 3, /No answer from http:\/\/127\.0\.0\.1:1\/: .*\nStart a node with/],
      ]
      for (const [args, code, message] of cases) {
        const outcome = await trellis(args, { environment })
        expect(outcome, args.join(' ')).to.include({ code, out: '' })
        expect(outcome.err, args.join(' ')).to.match(message)
      }
      const asJson = await trellis(['describe_operations', 'name=zzz', '--json'], { environment })
      expect(JSON.parse(asJson.err)).to.include({ code: 'operation_unknown', status: 400 })
    }))
})
