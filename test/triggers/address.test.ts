import { expect } from 'chai'
import { Problem } from '../../src/lib/index.js'
import { checkedAddress } from '../../src/triggers/address.js'

async function codeOf(host: string, allow: readonly string[] = [], port = 80): Promise<string> {
  try {
    return (await checkedAddress(host, port, allow)).address
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
}

/** Ways to write addresses of the inside. */
const inside = [
  ...['127.0.0.1', '127.1.2.3', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1'],
  ...['169.254.169.254', '224.0.0.1', '255.255.255.255', '192.0.0.1', '198.18.0.1', '::1', '::', '[::1]'],
  ...['::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', 'fc00::1', 'fd12::1'],
  ...['fec0::1', '::ffff:0:127.0.0.1', '4000::1', '100::1', '5f00::1', '3fff::1', '64:ff9b:1::7f00:1', 'febf::1%lo'],
  ...['fe80::1', 'ff02::1', '2001:db8::1', 'localhost', '2130706433', '0x7f.1', '0177.0.0.1', '127.1'],
]

describe('addresses of web-hooks', () => {
  it('are refused when they are not public, however they are written', async () => {
    for (const host of inside) expect(await codeOf(host), host).to.be.oneOf(['webhook_forbidden', 'webhook_failed'])
  })

  it('are asked for alone where a whole URL was given', async () => {
    const reasonOf = (host: string) => checkedAddress(host, 80, []).catch((error: Problem) => error.message)
    for (const host of ['http://hooks.example.org', 'hooks.example.org:80', 'hooks.example.org/path', 'me@127.0.0.1'])
      expect(await reasonOf(host), host).to.include("'host' is a name or an address alone")
    expect(await reasonOf('no-such-name.invalid')).not.to.include("'host' is")
  })

  it('are taken when they are public', async () => {
    for (const host of ['1.1.1.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1', '3ffe::1'])
      expect(await codeOf(host)).to.equal(host)
  })

  it('are taken when the configuration names the host, the host with the port, or the network', async () => {
    expect(await codeOf('127.0.0.1', ['127.0.0.1'])).to.equal('127.0.0.1')
    expect(await codeOf('10.1.2.3', ['10.1.0.0/16'])).to.equal('10.1.2.3')
    expect(await codeOf('10.2.2.3', ['10.1.0.0/16'])).to.equal('webhook_forbidden')
    expect(await codeOf('127.0.0.1', ['127.0.0.1:8080'], 8080)).to.equal('127.0.0.1')
    expect(await codeOf('127.0.0.1', ['127.0.0.1:8080'], 8081)).to.equal('webhook_forbidden')
    expect(await codeOf('127.0.0.1', ['0.0.0.0/99', 'nonsense'])).to.equal('webhook_forbidden')
  })
})
