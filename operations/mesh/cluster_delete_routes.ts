import { type Needs, operation } from '../../src/api/index.js'

export default operation('cluster_delete_routes', async ({ routes }, { clustering }: Needs<'clustering'>) => {
  const { deleted, skipped } = await clustering.replication.mesh.deleteRoutes(routes)
  return { message: 'cluster routes successfully deleted', deleted, skipped }
})
