import { type Needs, operation } from '../../src/api/index.js'

export default operation('read_audit_log', (request, { access }: Needs<'access'>) => {
  const { from, until, username, changed_by, limit, order } = request
  return access.audit.read({
    limit,
    order,
    ...(from !== undefined && { from }),
    ...(until !== undefined && { until }),
    ...(username !== undefined && { user: username }),
    ...(changed_by !== undefined && { operation: changed_by }),
  })
})
