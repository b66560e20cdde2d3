import { type Needs, operation } from '../../src/api/index.js'

export default operation('remove_node', async ({ node_name: node }, { clustering }: Needs<'clustering'>) => {
  await clustering.replication.agreement.remove(node)
  return { message: `Successfully removed '${node}' from manifest` }
})
