import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ConfigError, loadConfig, settings, withoutSecrets } from '../../src/config/index.js'

describe('the configuration', () => {
  it('is all defaults when nothing is said', () => {
    const config = loadConfig()
    expect(config.http.port).to.equal(9925)
    expect(config.http.host).to.equal('127.0.0.1')
    expect(config.data_dir).to.equal('./trellis-data')
  })

  it('takes flags before the environment before the file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'trellis-config-')), 'trellis.yaml')
    writeFileSync(file, 'http:\n  port: 1001\n  host: 127.0.0.2\nnode:\n  name: from-file\n')
    const environment = { TRELLIS_HTTP_PORT: '1002', TRELLIS_NODE_NAME: 'from-environment', TRELLIS_CONFIG: file }
    const config = loadConfig({ environment, flags: ['--http.port', '1003'] })
    expect([config.http.port, config.node.name, config.http.host]).to.deep.equal([
      1003,
      'from-environment',
      '127.0.0.2',
    ])
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
    ['a value that is not one of the allowed ones', { flags: ['--log.level=loud'] }, /log\.level.*trace, debug/],
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
    const file = join(mkdtempSync(join(tmpdir(), 'trellis-config-')), 'trellis.yaml')
    writeFileSync(file, 'http:\n  prot: 1001\n')
    expect(() => loadConfig({ flags: ['--config', file] })).to.throw(ConfigError, /http\.prot.*http\.port/)
  })

  it('shows no secret', () => {
    const config = loadConfig({ flags: ['--admin.password=hush'] })
    expect(JSON.stringify(withoutSecrets(config))).not.to.include('hush')
  })
})
