import { type Needs, operation } from '../../src/api/index.js'

export default operation('remove_node', async (request, { clustering }: Needs<'clustering'>, call) => {
  const { everywhere, node_name: node, timeout } = request
  const { agreement } = clustering.replication
  const message = `Successfully removed '${node}' from manifest`
  if (!everywhere) {
    const answer = call.settle({ message })
    await agreement.remove(node, call)
    return answer
  }
  const { failed, removed } = await agreement.removeEverywhere(node, timeout)
  return { message, removed_on: removed, not_removed_on: failed }
})
