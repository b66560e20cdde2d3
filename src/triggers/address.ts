import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { Problem } from '../lib/index.js'

/** Addresses that a web-hook may only have when the configuration names them: RFC 6890 and its successors. */
const inside = { ipv4: new BlockList(), ipv6: new BlockList() }
for (const [network, prefix] of [
  ...[
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
  ],
  ...[
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
  ],
  ...[
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ],
] as [string, number][]) {
  inside.ipv4.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  // All but 2000::/3, which is what was given out: also mapped, translated, local and multicast addresses.
  ...[
    ['::', 3],
    ['4000::', 2],
    ['8000::', 1],
  ],
  // Within it: protocols, documentation, 6to4.
  ...[
    ['2001::', 23],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['3fff::', 20],
  ],
] as [string, number][]) {
  inside.ipv6.addSubnet(network, prefix, 'ipv6')
}

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/**
 * The address to connect to, resolved once: what was checked is what is connected to. `allow` names hosts
 * (`hook.internal`, `127.0.0.1`), hosts with ports (`127.0.0.1:8080`) and networks (`10.1.0.0/16`) that may be inside.
 * @throws Problem webhook_forbidden, webhook_failed
 */
export async function checkedAddress(host: string, port: number, allow: readonly string[]): Promise<Address> {
  const bare = host.replace(/^\[|\]$/g, '')
  const isAllowed = allow.includes(host) || allow.includes(`${host}:${port}`)
  const addresses = isIP(bare) ? [{ address: bare, family: isIP(bare) }] : await resolved(bare)
  const [first] = addresses as Address[]
  if (!first) throw new Problem('webhook_failed', { host, reason: 'the name has no address' })
  if (isAllowed) return first
  // One address inside is enough to refuse: which one is used is not ours to choose for long.
  const forbidden = (addresses as Address[]).find((address) => isInside(address) && !isListed(address, allow))
  if (forbidden) throw new Problem('webhook_forbidden', { host, address: forbidden.address })
  return first
}

async function resolved(host: string) {
  try {
    return await lookup(host, { all: true })
  } catch (error) {
    throw new Problem('webhook_failed', { host, reason: unresolved(host, (error as NodeJS.ErrnoException).code) })
  }
}

function unresolved(host: string, code = 'no such name'): string {
  if (/[/:@?#\s]/.test(host))
    return `'host' is a name or an address alone, like hooks.example.org; 'tls', 'port' and 'path' say the rest (${code})`
  return code === 'ENOTFOUND' ? `the name has no address (${code})` : code
}

function isInside({ address, family }: Address): boolean {
  const type = family === 4 ? 'ipv4' : 'ipv6'
  return inside[type].check(address.split('%')[0]!, type)
}

function isListed({ address, family }: Address, allow: readonly string[]): boolean {
  const networks = new BlockList()
  for (const entry of allow) {
    const [network = '', prefix] = entry.split('/')
    const version = isIP(network)
    if (version === 0) continue
    // A list of both kinds takes every IPv4 address for an IPv6 one.
    if (version !== family) continue
    const type = version === 4 ? 'ipv4' : 'ipv6'
    if (prefix === undefined) networks.addAddress(network, type)
    else if (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)) {
      networks.addSubnet(network, Number(prefix), type)
    }
  }
  return networks.check(address.split('%')[0]!, family === 4 ? 'ipv4' : 'ipv6')
}
