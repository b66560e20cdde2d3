import { mayBuild, type Needs, operation, requireWhole } from '../../src/api/index.js'

export default operation('list_triggers', (place, { catalog, triggers }: Needs<'catalog' | 'triggers'>, call) => {
  requireWhole(catalog, call, place)
  return { triggers: triggers.list(place.database, place.table, mayBuild(call, place.database)) }
})
