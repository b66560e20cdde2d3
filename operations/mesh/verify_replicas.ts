import { type Needs, operation } from '../../src/api/index.js'

export default operation('verify_replicas', async ({ database, nodes, table }, { clustering }: Needs<'clustering'>) => {
  const compared = await clustering.replication.verification.compare({ database, table }, nodes)
  return { database, table, equal: compared.every(({ equal }) => equal === true), nodes: compared }
})
