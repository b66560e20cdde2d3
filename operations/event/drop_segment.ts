import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_segment', async (request, { catalog, events }: Needs<'catalog' | 'events'>, call) => {
  const { database, table, segment } = request
  await events.dropSegment(catalog.table(database, table), segment, call)
  return { message: `segment '${segment}' of '${database}.${table}' dropped` }
})
