import { type Needs, operation } from '../../src/api/index.js'

export default operation('cluster_network', async (request, { clustering }: Needs<'clustering'>) => {
  const { connected_nodes: withoutNodes, routes: withoutRoutes, timeout } = request
  const nodes = await clustering.replication.status.network(timeout)
  return {
    nodes: nodes.map(({ connected_nodes, name, response_time, routes }) => ({
      name,
      response_time,
      ...(withoutNodes || !connected_nodes ? {} : { connected_nodes }),
      ...(withoutRoutes || !routes ? {} : { routes }),
    })),
  }
})
