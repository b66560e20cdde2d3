import { type Needs, operation } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

export default operation('ready', (_, { node }: Needs<'node'>) => {
  if (node.state() !== 'ready') throw new Problem('stopping', {})
  const failure = node.storageFailure()
  if (failure) throw failure
  return { status: 'ready' }
})
