import { isNodeName, loadAuthority } from '../mesh/index.js'
import type { Arguments } from './arguments.js'
import { Usage } from './failures.js'

const FOLDER = './cluster-ca'

/** `cluster-ca create` makes the certificate authority of a mesh, `cluster-ca sign NODE` the files of one node. */
export async function clusterAuthority({ flags, words }: Arguments): Promise<void> {
  const [, action, node] = words
  const folder = flags.folder ?? FOLDER
  const { createAuthority, signNode } = await loadAuthority()
  if (action === 'create') {
    const { certificate, privateKey } = await createAuthority(folder)
    say(`The authority is ${certificate}. Keep ${privateKey} away from the nodes: whoever has it can join.`)
    say('Next: trellis cluster-ca sign NODE --hosts NAME,ADDRESS for each node.')
    return
  }
  if (action !== 'sign') throw new Usage('Say what to do: trellis cluster-ca create, or trellis cluster-ca sign NODE.')
  if (!isNodeName(node)) throw new Usage('Name the node as its setting node.name does: trellis cluster-ca sign NODE.')
  const hosts = (flags.hosts ?? '').split(',').filter((host) => host !== '')
  const { certificate, certificateAuthority, privateKey } = await signNode(folder, node, hosts)
  say(`Copy these three to ${node}, readable by the node only, and set:`)
  say(`  TRELLIS_CLUSTERING_TLS_CERTIFICATE=${certificate}`)
  say(`  TRELLIS_CLUSTERING_TLS_PRIVATE_KEY=${privateKey}`)
  say(`  TRELLIS_CLUSTERING_TLS_CERTIFICATE_AUTHORITY=${certificateAuthority}`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
