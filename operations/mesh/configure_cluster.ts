import { type Agreed, type Needs, operation, refused, shown, wantedOf } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

const answerOf = (agreed: ReadonlyMap<string, Agreed>) => ({
  message: 'Cluster successfully configured.',
  connections: [...agreed].map(([node, { done, skipped }]) => ({
    node_name: node,
    added: done.map(shown),
    skipped: skipped.map(refused),
  })),
})

export default operation(
  'configure_cluster',
  async ({ connections, timeout }, { clustering }: Needs<'clustering'>, call) => {
    const wishes = connections.map(({ name, node_name: node = name, start_time: startTime, subscriptions }) => {
      if (node === undefined)
        throw new Problem('invalid_request', { reason: 'A connection names no node (node_name).' })
      return { node, wanted: wantedOf(subscriptions, startTime) }
    })
    const twice = wishes.find(({ node }, place) => wishes.findIndex((other) => other.node === node) < place)
    if (twice) throw new Problem('invalid_request', { reason: `The connections name node '${twice.node}' twice.` })
    const { agreement } = clustering.replication
    return answerOf(await agreement.configure(wishes, timeout, (agreed) => call.settled(answerOf(agreed))))
  },
)
