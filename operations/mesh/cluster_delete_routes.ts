import { type Needs, operation } from '../../src/api/index.js'

const answerOf = <Outcome>(outcome: Outcome) => ({ message: 'cluster routes successfully deleted', ...outcome })

export default operation('cluster_delete_routes', async ({ routes }, { clustering }: Needs<'clustering'>, call) => {
  const { mesh } = clustering.replication
  const outcome = await mesh.deleteRoutes(routes, (outcome) => call.announce(answerOf(outcome)))
  return call.announced(answerOf(outcome))
})
