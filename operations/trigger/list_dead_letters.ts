import { type Needs, operation, requireWhole } from '../../src/api/index.js'

export default operation('list_dead_letters', (request, { catalog, triggers }: Needs<'catalog' | 'triggers'>, call) => {
  const { subscriber, limit, from, ...place } = request
  requireWhole(catalog, call, place)
  const letters = triggers.deadLetters(place, subscriber, limit, from)
  return { dead_letters: letters.map(({ number, message, reason = '' }) => ({ number, ...message, reason })) }
})
