import { type Needs, operation } from '../../src/api/index.js'
import { JsonText } from '../../src/lib/index.js'

export default operation(
  'get_job',
  ({ id }, { jobs }: Needs<'jobs'>, call) => new JsonText(`[${jobs.told(id, call.caller!).text}]`),
)
