import { type Needs, operation, shareTables } from '../../src/api/index.js'

export default operation('update_node', (request, needs: Needs<'clustering'>, call) => {
  const { dry_run: dryRun, node_name: node } = request
  return shareTables(request, needs, call, (updated) => ({
    message: dryRun ? `Would update '${node}'; nothing was changed` : `Successfully updated '${node}'`,
    updated,
  }))
})
