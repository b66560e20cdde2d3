import { type Needs, operation } from '../../src/api/index.js'
import { Content } from '../../src/lib/index.js'

export default operation('metrics', async (_, { metrics }: Needs<'metrics'>) => {
  const { type, text } = await metrics.print()
  return new Content(type, text)
})
