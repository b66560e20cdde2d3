import { type Needs, operation } from '../../src/api/index.js'

export default operation('list_triggers', ({ database, table }, { triggers }: Needs<'triggers'>) => ({
  triggers: triggers.list(database, table),
}))
