import { type Needs, operation, previewed, refused, shown, wantedOf } from '../../src/api/index.js'

export default operation('update_node', async (request, { clustering }: Needs<'clustering'>) => {
  const { dry_run: dryRun, node_name: node, start_time: startTime, subscriptions, timeout } = request
  const wanted = wantedOf(subscriptions, startTime)
  const { done, preview, skipped } = await clustering.replication.agreement.share(node, wanted, timeout, dryRun)
  return {
    message: `Successfully updated '${node}'`,
    updated: done.map(shown),
    skipped: skipped.map(refused),
    ...(preview ? { preview: preview.map(previewed) } : {}),
  }
})
