import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_trigger', async (place, { triggers }: Needs<'triggers'>) => {
  await triggers.drop(place)
  return { message: 'dropped', table: place.table, reevent: place.trigger }
})
