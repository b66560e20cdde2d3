import { type Needs, operation } from '../../src/api/index.js'

export default operation('status', (_, { node }: Needs<'node'>) => ({
  node: node.name,
  version: node.version,
  state: node.state(),
  uptime_s: (Date.now() - node.startedAt) / 1000,
  memory_bytes: process.memoryUsage.rss(),
  incarnation: node.incarnation.id,
  ...(node.incarnation.restored_from ? { restored_from: node.incarnation.restored_from } : {}),
}))
