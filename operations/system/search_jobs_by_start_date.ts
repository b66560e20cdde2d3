import { type Needs, operation } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

export default operation(
  'search_jobs_by_start_date',
  ({ from_date: from, to_date: to }, { jobs }: Needs<'jobs'>, call) =>
    jobs.search(timeOf('from_date', from), timeOf('to_date', to), call.caller!),
)

function timeOf(field: string, text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time))
    throw new Problem('invalid_request', { reason: `'${field}' must be a date or time of ISO 8601, as 2026-01-31` })
  return time
}
