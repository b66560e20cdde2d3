import { type Needs, operation } from '../../src/api/index.js'

export default operation('unsubscribe_trigger', async (request, { triggers }: Needs<'triggers'>, call) => {
  const { subscriber, ...place } = request
  const answer = call.settle({ message: `'${subscriber}' unsubscribed from '${place.trigger}'` })
  await triggers.unsubscribe(place, subscriber, call)
  return answer
})
