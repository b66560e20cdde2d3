import { type Needs, operation } from '../../src/api/index.js'

export default operation('replace_records', (request, { writes }: Needs<'writes'>, call) =>
  writes.replaceRecords(request, call),
)
