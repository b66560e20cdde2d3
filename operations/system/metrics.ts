import { type Needs, operation } from '../../src/api/index.js'
import { Content } from '../../src/lib/index.js'

export default operation('metrics', async (_, { metrics }: Needs<'metrics'>) => {
  const { type, pieces } = await metrics.print()
  return new Content(type, pieces)
})
