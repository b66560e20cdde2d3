import { type Needs, operation } from '../../src/api/index.js'

export default operation('resend_dead_letters', async (request, { triggers }: Needs<'triggers'>) => {
  const { subscriber, limit, ...place } = request
  const resent = await triggers.resend(place, subscriber, limit)
  return { message: `${resent} messages wait for '${subscriber}' again`, resent }
})
