import { type Needs, operation } from '../../src/api/index.js'

export default operation('unsubscribe_trigger', async ({ subscriber, ...place }, { triggers }: Needs<'triggers'>) => {
  await triggers.unsubscribe(place, subscriber)
  return { message: `'${subscriber}' unsubscribed from '${place.trigger}'` }
})
