import { type Needs, operation } from '../../src/api/index.js'

export default operation('create_trigger', async (request, needs: Needs<'catalog' | 'triggers'>, call) => {
  const { catalog, triggers } = needs
  const { script, ...place } = request
  const { database, table } = place
  // A trigger tells its subscribers what it reads, so its maker must be one who may read every column.
  const columns = catalog.find(database, table)?.columns ?? []
  call.rights.require(
    ['read'],
    database,
    table,
    columns.map(({ name }) => name),
  )
  const answerOf = (isNew: boolean) => ({
    message: isNew ? 'created' : 'changed',
    table: place.table,
    reevent: place.trigger,
  })
  return answerOf(await triggers.create(place, script, (isNew) => call.settled(answerOf(isNew))))
})
