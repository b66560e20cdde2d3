import { type Needs, operation } from '../../src/api/index.js'

export default operation('cluster_set_routes', async ({ routes, server }, { clustering }: Needs<'clustering'>) => {
  const { set, skipped } = await clustering.replication.setRoutes(server, routes)
  return { message: 'cluster routes successfully set', set, skipped }
})
