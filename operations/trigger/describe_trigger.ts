import { mayBuild, type Needs, operation, requireWhole } from '../../src/api/index.js'

export default operation('describe_trigger', (place, { catalog, triggers }: Needs<'catalog' | 'triggers'>, call) => {
  requireWhole(catalog, call, place)
  return triggers.describe(place, mayBuild(call, place.database))
})
