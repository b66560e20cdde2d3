import { type Needs, operation } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

export default operation('export_local', (request, { exports }: Needs<'exports'>, call) => {
  const { database, table, format, path, filename, search_operation: search } = request
  if ((table === undefined) === (search === undefined))
    throw new Problem('invalid_request', { reason: "One of 'table' and 'search_operation' is required" })
  const target = { format, file: exports.pathOf(path, filename, format) }
  return exports.start(target, table === undefined ? { search: search! } : { database, table }, call)
})
