import { type Needs, operation } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

export default operation(
  'purge_stream',
  async ({ database, options = {}, table }, { clustering }: Needs<'clustering'>, call) => {
    const { keep, seq } = options
    if (keep !== undefined && seq !== undefined) {
      throw new Problem('invalid_request', { reason: 'Give keep or seq, not both.' })
    }
    const what = { ...(keep === undefined ? {} : { keep }), ...(seq === undefined ? {} : { seq }) }
    const answerOf = (purged: number) => ({ message: `Stream of ${database}.${table} purged.`, purged })
    const announce = (purged: number) => call.announce(answerOf(purged))
    return call.announced(answerOf(await clustering.replication.purge({ database, table }, what, announce)))
  },
)
