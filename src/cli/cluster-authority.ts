import { isIP } from 'node:net'
import { isNodeName, loadAuthority } from '../mesh/index.js'
import type { Arguments } from './arguments.js'
import { Usage } from './failures.js'

const FOLDER = './cluster-ca'
const HOST_NAME = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i

/** `cluster-ca create` makes the certificate authority of a mesh, `cluster-ca sign NODE` the files of one node. */
export async function clusterAuthority({ flags, words }: Arguments): Promise<void> {
  const [, action, node, ...more] = words
  const folder = flags.folder ?? FOLDER
  if (more.length > 0 || (action === 'create' && node !== undefined))
    throw new Usage('Say one thing: trellis cluster-ca create, or trellis cluster-ca sign NODE --hosts NAME,ADDRESS.')
  const { createAuthority, signNode } = await loadAuthority()
  if (action === 'create') {
    const { certificate, privateKey } = await createAuthority(folder)
    say(`The authority is ${certificate}. Keep ${privateKey} away from the nodes: whoever has it can join.`)
    say('Next: trellis cluster-ca sign NODE --hosts NAME,ADDRESS for each node.')
    return
  }
  if (action !== 'sign') throw new Usage('Say what to do: trellis cluster-ca create, or trellis cluster-ca sign NODE.')
  if (!isNodeName(node)) throw new Usage('Name the node as its setting node.name does: trellis cluster-ca sign NODE.')
  const hosts = hostsIn(flags.hosts ?? '')
  const { certificate, certificateAuthority, privateKey } = await signNode(folder, node, hosts)
  say(`Copy these three to ${node}, readable by the node only, and set:`)
  say(`  TRELLIS_CLUSTERING_TLS_CERTIFICATE=${certificate}`)
  say(`  TRELLIS_CLUSTERING_TLS_PRIVATE_KEY=${privateKey}`)
  say(`  TRELLIS_CLUSTERING_TLS_CERTIFICATE_AUTHORITY=${certificateAuthority}`)
}

/** What a certificate names: nodes dial each other by it, so what nobody can dial would show much later. */
function hostsIn(list: string): string[] {
  const hosts = list
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '')
  const wrong = hosts.find((host) => !isIP(host) && !HOST_NAME.test(host))
  if (wrong !== undefined)
    throw new Usage(`'${wrong}' is no name or address of a machine: --hosts one.example.com,192.0.2.1,2001:db8::1.`)
  return hosts
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
