import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_trigger', async (place, { triggers }: Needs<'triggers'>, call) => {
  const answer = call.settle({ message: 'dropped', table: place.table, reevent: place.trigger })
  await triggers.drop(place, call)
  return answer
})
