import { type Needs, operation } from '../../src/api/index.js'
import { momentIn } from '../../src/lib/index.js'

export default operation('delete_records_before', ({ date, ...target }, { deletions }: Needs<'deletions'>, call) =>
  deletions.start({ ...target, before: momentIn('date', date) }, call),
)
