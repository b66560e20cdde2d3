import { type Needs, operation } from '../../src/api/index.js'

export default operation('resend_dead_letters', async (request, { triggers }: Needs<'triggers'>, call) => {
  const { subscriber, limit, ...place } = request
  const answerOf = (resent: number) => ({ message: `${resent} messages wait for '${subscriber}' again`, resent })
  return answerOf(await triggers.resend(place, subscriber, limit, (resent) => call.settled(answerOf(resent))))
})
