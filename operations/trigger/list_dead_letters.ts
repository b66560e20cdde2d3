import { type Needs, operation } from '../../src/api/index.js'

export default operation('list_dead_letters', (request, { triggers }: Needs<'triggers'>) => {
  const { subscriber, limit, from, ...place } = request
  const letters = triggers.deadLetters(place, subscriber, limit, from)
  return { dead_letters: letters.map(({ number, message, reason = '' }) => ({ number, ...message, reason })) }
})
