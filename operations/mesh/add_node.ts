import { type Agreed, type Needs, operation, previewed, refused, shown, wantedOf } from '../../src/api/index.js'

export default operation('add_node', async (request, { clustering }: Needs<'clustering'>, call) => {
  const { dry_run: dryRun, node_name: node, start_time: startTime, subscriptions, timeout } = request
  const wanted = wantedOf(subscriptions, startTime)
  const answerOf = ({ done, preview, skipped }: Agreed) => ({
    message: dryRun
      ? `Would add '${node}' to manifest; nothing was changed`
      : `Successfully added '${node}' to manifest`,
    added: done.map(shown),
    skipped: skipped.map(refused),
    ...(preview ? { preview: preview.map(previewed) } : {}),
  })
  const receiptOf = (agreed: Agreed) => call.settled(answerOf(agreed))
  return answerOf(await clustering.replication.agreement.share(node, wanted, timeout, { dryRun, receiptOf }))
})
