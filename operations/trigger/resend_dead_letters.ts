import { type Needs, operation, requireWhole } from '../../src/api/index.js'

export default operation(
  'resend_dead_letters',
  async (request, { catalog, triggers }: Needs<'catalog' | 'triggers'>, call) => {
    const { subscriber, limit, ...place } = request
    requireWhole(catalog, call, place)
    const answerOf = (resent: number) => ({ message: `${resent} messages wait for '${subscriber}' again`, resent })
    return answerOf(await triggers.resend(place, subscriber, limit, (resent) => call.settled(answerOf(resent))))
  },
)
