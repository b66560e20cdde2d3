import { type Needs, operation } from '../../src/api/index.js'

export default operation('remove_node', async (request, { clustering }: Needs<'clustering'>, call) => {
  const { everywhere, node_name: node, timeout } = request
  const { removal } = clustering.replication.agreement
  const message = `Successfully removed '${node}' from manifest`
  if (!everywhere) {
    const answer = call.settle({ message })
    await removal.remove(node, call)
    return answer
  }
  const answerOf = ({ failed, removed }: { failed: string[]; removed: string[] }) => ({
    message,
    removed_on: removed,
    not_removed_on: failed,
  })
  const begun = call.begun?.begun as ReturnType<typeof answerOf> | undefined
  const receiptOf = (soFar: { failed: string[]; removed: string[] }) => call.partly(answerOf(soFar))
  return answerOf(await removal.removeEverywhere(node, timeout, { left: begun?.not_removed_on, receiptOf }))
})
