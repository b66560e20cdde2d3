import { type Needs, operation } from '../../src/api/index.js'

export default operation('subscribe_trigger', async (request, { triggers }: Needs<'triggers'>, call) => {
  const { database, table, trigger, ...hook } = request
  const answerOf = (isNew: boolean) => ({
    message: isNew ? 'created' : 'changed',
    table,
    reevent: trigger,
    sub: hook.subscriber,
  })
  const place = { database, table, trigger }
  return answerOf(await triggers.subscribe(place, hook, (isNew) => call.settled(answerOf(isNew))))
})
