import { type Needs, operation } from '../../src/api/index.js'

export default operation('cluster_status', async (_, { clustering }: Needs<'clustering'>) => {
  const { failure, isEnabled, nodeName } = clustering
  if (!isEnabled) {
    return { node_name: nodeName, is_enabled: false, connections: [], warnings: failure === undefined ? [] : [failure] }
  }
  const { status } = clustering.replication
  const [connections, warnings] = await Promise.all([status.connections(), status.warnings()])
  return { node_name: nodeName, is_enabled: true, connections, warnings }
})
