import { type Needs, operation, refused, shown, wantedOf } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

export default operation('configure_cluster', async ({ connections, timeout }, { clustering }: Needs<'clustering'>) => {
  const wishes = connections.map(({ name, node_name: node = name, start_time: startTime, subscriptions }) => {
    if (node === undefined) throw new Problem('invalid_request', { reason: 'A connection names no node (node_name).' })
    return { node, wanted: wantedOf(subscriptions, startTime) }
  })
  const answers = await clustering.replication.agreement.configure(wishes, timeout)
  return {
    message: 'Cluster successfully configured.',
    connections: [...answers].map(([node, { done, skipped }]) => ({
      node_name: node,
      added: done.map(shown),
      skipped: skipped.map(refused),
    })),
  }
})
