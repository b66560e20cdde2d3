import { type Needs, operation, requireWhole } from '../../src/api/index.js'

export default operation(
  'subscribe_trigger',
  async (request, { catalog, triggers }: Needs<'catalog' | 'triggers'>, call) => {
    const { database, table, trigger, ...hook } = request
    requireWhole(catalog, call, { database, table })
    const answerOf = (isNew: boolean) => ({
      message: isNew ? 'created' : 'changed',
      table,
      reevent: trigger,
      sub: hook.subscriber,
    })
    const place = { database, table, trigger }
    return answerOf(await triggers.subscribe(place, hook, (isNew) => call.settled(answerOf(isNew))))
  },
)
