import { type Needs, operation } from '../../src/api/index.js'
import { momentIn } from '../../src/lib/index.js'

export default operation(
  'search_jobs_by_start_date',
  ({ from_date: from, to_date: to }, { jobs }: Needs<'jobs'>, call) =>
    jobs.search(momentIn('from_date', from), momentIn('to_date', to), call.caller!, () => call.signal.throwIfAborted()),
)
