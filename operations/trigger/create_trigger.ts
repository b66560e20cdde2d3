import { type Needs, operation, requireWhole } from '../../src/api/index.js'

export default operation('create_trigger', async (request, needs: Needs<'catalog' | 'triggers'>, call) => {
  const { catalog, triggers } = needs
  const { script, ...place } = request
  requireWhole(catalog, call, place)
  const answerOf = (isNew: boolean) => ({
    message: isNew ? 'created' : 'changed',
    table: place.table,
    reevent: place.trigger,
  })
  return answerOf(await triggers.create(place, script, (isNew) => call.settled(answerOf(isNew))))
})
