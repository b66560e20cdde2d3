import { type Needs, operation } from '../../src/api/index.js'

export default operation('subscribe_trigger', async (request, { triggers }: Needs<'triggers'>) => {
  const { database, table, trigger, ...hook } = request
  const isNew = await triggers.subscribe({ database, table, trigger }, hook)
  return { message: isNew ? 'created' : 'changed', table, reevent: trigger, sub: hook.subscriber }
})
