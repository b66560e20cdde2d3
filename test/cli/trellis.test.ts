import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { settings } from '../../src/config/index.js'
import { readContracts } from '../../src/contracts/index.js'
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
