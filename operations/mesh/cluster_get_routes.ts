import { type Needs, operation } from '../../src/api/index.js'

export default operation('cluster_get_routes', (_, { clustering }: Needs<'clustering'>) => {
  const { hub, leaf } = clustering.replication.mesh.routes
  return { hub, leaf }
})
