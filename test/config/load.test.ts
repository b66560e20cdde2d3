import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ConfigError, loadConfig, settings, withoutSecrets } from '../../src/config/index.js'

/** A configuration file of this text. */
function fileOf(text: string, mode = 0o600): string {
  const file = join(mkdtempSync(join(tmpdir(), 'trellis-config-')), 'trellis.yaml')
  writeFileSync(file, text, { mode })
  return file
}

describe('the configuration', () => {
  it('is all defaults when nothing is said', () => {
    const config = loadConfig()
    expect(config.http.port).to.equal(9925)
    expect(config.http.host).to.equal('127.0.0.1')
    expect(config.data_dir).to.equal('./trellis-data')
  })

  it('takes flags before the environment before the file', () => {
    const file = fileOf('http:\n  port: 1001\n  host: 127.0.0.2\nnode:\n  name: from-file\n')
    const environment = { TRELLIS_HTTP_PORT: '1002', TRELLIS_NODE_NAME: 'from-environment', TRELLIS_CONFIG: file }
    const config = loadConfig({ environment, flags: ['--http.port', '1003'] })
    expect([config.http.port, config.node.name, config.http.host]).to.deep.equal([
      1003,
      'from-environment',
      '127.0.0.2',
    ])
  })

  it('passes over what Kubernetes says of services that are called like the settings', () => {
    const linksOf = (service: string) => ({
      [`${service}_SERVICE_HOST`]: '10.96.0.7',
      [`${service}_SERVICE_PORT`]: '9925',
      [`${service}_SERVICE_PORT_HTTP`]: '9925',
      [`${service}_PORT`]: 'tcp://10.96.0.7:9925',
      [`${service}_PORT_9925_TCP`]: 'tcp://10.96.0.7:9925',
      [`${service}_PORT_9925_TCP_PROTO`]: 'tcp',
      [`${service}_PORT_9925_TCP_PORT`]: '9925',
      [`${service}_PORT_9925_TCP_ADDR`]: '10.96.0.7',
    })
    const environment = { ...linksOf('TRELLIS'), ...linksOf('TRELLIS_HUB_2'), ...linksOf('TRELLIS_HTTP') }
    delete environment['TRELLIS_HTTP_PORT']
    expect(loadConfig({ environment })).to.deep.equal(loadConfig())
    for (const mistake of [{ TRELLIS_PORT: '9926' }, { TRELLIS_SERVICE_HOST: '' }, { TRELLIS_HTTPS_PORT: '443' }])
      expect(() => loadConfig({ environment: mistake }), JSON.stringify(mistake)).to.throw(ConfigError, 'Unknown')
  })

  it('reads lists with commas, and as JSON', () => {
    const allowed = (text: string) => loadConfig({ environment: { TRELLIS_WEBHOOKS_ALLOW: text } }).webhooks.allow
    expect(allowed('127.0.0.1, 10.1.0.0/16')).to.deep.equal(['127.0.0.1', '10.1.0.0/16'])
    expect(allowed('["127.0.0.1", "10.1.0.0/16"]')).to.deep.equal(['127.0.0.1', '10.1.0.0/16'])
    expect(allowed('[::1],[::1]:8080')).to.deep.equal(['[::1]', '[::1]:8080'])
    expect(allowed(' [] ')).to.deep.equal([])
  })

  it('takes origins of pages only as browsers write them: others would never be met', () => {
    const origins = (text: string) => loadConfig({ environment: { TRELLIS_HTTP_CORS_ORIGINS: text } }).http.cors_origins
    for (const one of ['*', 'null', 'https://app.example', 'http://[::1]:8080', 'chrome-extension://abcdef'])
      expect(origins(one)).to.deep.equal([one])
    for (const one of [
      'https://app.example/',
      'app.example',
      'https://App.example',
      'https://app.example:443',
      '*.x.org',
    ])
      expect(() => origins(`https://a.example,${one}`), one).to.throw(ConfigError, `http.cors_origins: '${one}'`)
  })

  it('names every setting after its path in the environment', () => {
    for (const { path, environment } of settings)
      expect(environment).to.equal(`TRELLIS_${path.replaceAll('.', '_').toUpperCase()}`)
  })

  for (const [title, options, message] of [
    [
      'an unknown environment variable',
      { environment: { TRELLIS_HTTP_PROT: '1' } },
      /TRELLIS_HTTP_PROT.*TRELLIS_HTTP_PORT/,
    ],
    ['an unknown flag', { flags: ['--htp.port=1'] }, /htp\.port.*http\.port/],
    ['a value out of range', { flags: ['--http.port=70000'] }, /http\.port.*65535/],
    ['a word for a number', { flags: ['--http.port=many'] }, /http\.port.*integer/],
    ['blanks for a number', { environment: { TRELLIS_ACCESS_BASIC_CACHE_TTL_S: ' ' } }, /basic_cache_ttl_s.*integer/],
    ['no end for a number', { flags: ['--access.user_token_ttl_s=Infinity'] }, /user_token_ttl_s.*<= 9007199254740991/],
    ['a number that is not kept exactly', { flags: ['--jobs.kept_max=1e300'] }, /kept_max.*<= 9007199254740991/],
    [
      'a time that no timer can wait',
      { flags: ['--http.statement_timeout_ms=3e9'] },
      /statement_timeout_ms.*2147483647/,
    ],
    ['a value that is not one of the allowed ones', { flags: ['--log.level=loud'] }, /log\.level.*trace, debug/],
    ['a cry for help', { flags: ['--help'] }, /trellis start --help/],
    ['no address to listen on, which would be every one', { environment: { TRELLIS_HTTP_HOST: '' } }, /http\.host/],
    ['a map beyond the address space', { flags: ['--storage.map_bytes=1e14'] }, /map_bytes.*17592186044416/],
    ['a flag without a value', { flags: ['--http.port'] }, /needs a value/],
    ['a file that does not exist', { flags: ['--config=/nonexistent.yaml'] }, /does not exist/],
    [
      'a time for requests that is shorter than that for their headers',
      { flags: ['--http.headers_timeout_ms=5000', '--http.request_timeout_ms=4999'] },
      /request_timeout_ms \(4999\) must be at least http\.headers_timeout_ms \(5000\)/,
    ],
    ['a certificate without its key', { flags: ['--http.tls.certificate=x.pem'] }, /together/],
  ] as const)
    it(`refuses ${title} and says what to do`, () => {
      expect(() => loadConfig(options)).to.throw(ConfigError, message)
    })

  it('refuses an unknown key of the file and names the nearest one', () => {
    const file = fileOf('http:\n  prot: 1001\n')
    expect(() => loadConfig({ flags: ['--config', file] })).to.throw(ConfigError, /http\.prot.*http\.port/)
  })

  const WRONG: Record<string, readonly [string, RegExp]> = {
    'an empty value': ['http:\n  port:\n', /http\.port .* must be integer/],
    'a truth for a number': ['http:\n  port: true\n', /http\.port .* must be integer/],
    'a number for a password, which would become another one': ['admin:\n  password: 0123\n', /password .* string/],
    'numbers in a list of texts': ['http:\n  cors_origins: [1]\n', /cors_origins.* must be string/],
    'a value for a group': ['http: 5\n', /'http' is a group of settings/],
    'dots in a name': ['http.port: 5\n', /names within names.*http: port/],
    'a key twice': ['http:\n  port: 1\n  port: 2\n', /unique at line 3/],
    'two documents': ['http:\n  port: 1\n---\nhttp:\n  port: 2\n', /multiple documents/],
    'a list': ['- http\n', /'name: value' lines/],
    'a misspelt group': ['htp:\n  port: 5\n', /Unknown setting htp\. Did you mean 'http'\?/],
    'names of prototypes': ['http:\n  __proto__:\n    port: 5\n', /Unknown setting http\.__proto__/],
    'aliases that grow': [
      `a: &a [${'x,'.repeat(9)}]\n${[...'bcdefgh'].map((name, at) => `${name}: &${name} [${`*${'abcdefg'[at]},`.repeat(9)}]\n`).join('')}`,
      /alias count/,
    ],
    'brackets without end': ['['.repeat(60_000), /too deep/],
    'groups within groups without end': [
      Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''),
      /too deep/,
    ],
    'keys of keys without end': ['? '.repeat(30_000), /too deep/],
    'many keys': [Array.from({ length: 7000 }, (_, at) => `k${at}: 1\n`).join(''), /Unknown setting k0/],
    'more than 64 KiB': ['#'.repeat(70_000), /larger than 65536 bytes/],
  }
  for (const [title, [text, message]] of Object.entries(WRONG))
    it(`refuses a file with ${title}, and says where`, () => {
      expect(() => loadConfig({ flags: ['--config', fileOf(text)] })).to.throw(ConfigError, message)
      expect(({} as { port?: number }).port).to.equal(undefined)
    })

  it('refuses a file with a secret that everybody may read, and never prints lines of it', () => {
    const open = fileOf('admin:\n  password: hush-hush\n', 0o644)
    expect(() => loadConfig({ flags: ['--config', open] })).to.throw(ConfigError, /admin\.password.*chmod 600/)
    chmodSync(open, 0o640)
    expect(loadConfig({ flags: ['--config', open] }).admin.password).to.equal('hush-hush')
    for (const text of ['admin:\n  password: [hush-hush]\n', 'admin:\n  password: hush-hush\n  password: hush\n'])
      expect(() => loadConfig({ flags: ['--config', fileOf(text)] }))
        .to.throw(ConfigError)
        .with.property('message')
        .that.does.not.include('hush')
  })

  it('says where a value was stored that cannot be used, and starts where it is set elsewhere', () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-config-'))
    writeFileSync(join(folder, 'settings.json'), '{"jobs.kept_max":null,"a.setting.of.another.version":1}')
    const environment = { TRELLIS_DATA_DIR: folder }
    expect(() => loadConfig({ environment })).to.throw(ConfigError, /jobs\.kept_max.*stored it in .*settings\.json/)
    expect(loadConfig({ environment, flags: ['--jobs.kept_max=50'] }).jobs.kept_max).to.equal(50)
  })

  it('shows no secret', () => {
    const config = loadConfig({ flags: ['--admin.password=hush'] })
    expect(loadConfig({ flags: [`--admin.password=${'9'.repeat(20)}`] }).admin.password).to.have.length(20)
    expect(JSON.stringify(withoutSecrets(config))).not.to.include('hush')
  })
})
