import { type Needs, operation } from '../../src/api/index.js'

const answerOf = <Outcome>(outcome: Outcome) => ({ message: 'cluster routes successfully set', ...outcome })

export default operation(
  'cluster_set_routes',
  async ({ routes, server }, { clustering }: Needs<'clustering'>, call) => {
    const { replication } = clustering
    const outcome = await replication.setRoutes(server, routes, (outcome) => call.announce(answerOf(outcome)))
    return call.announced(answerOf(outcome))
  },
)
