import { type Needs, operation, shareTables } from '../../src/api/index.js'

export default operation('add_node', (request, needs: Needs<'clustering'>, call) => {
  const { dry_run: dryRun, node_name: node } = request
  return shareTables(request, needs, call, (added) => ({
    message: dryRun
      ? `Would add '${node}' to manifest; nothing was changed`
      : `Successfully added '${node}' to manifest`,
    added,
  }))
})
