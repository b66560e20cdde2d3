import { type Needs, operation } from '../../src/api/index.js'

export default operation('create_trigger', async ({ script, ...place }, { triggers }: Needs<'triggers'>) => {
  const isNew = await triggers.create(place, script)
  return { message: isNew ? 'created' : 'changed', table: place.table, reevent: place.trigger }
})
