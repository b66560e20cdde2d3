import { type Needs, operation } from '../../src/api/index.js'

export default operation('insert_events', async (request, { catalog, events }: Needs<'catalog' | 'events'>, call) => {
  const { database, table, atomic, lines } = request
  const schema = catalog.table(database, table)
  const { receipt } = call
  if (receipt !== undefined) call.whenKept = () => events.forgetReceipt(receipt)
  const names = schema.columns.map(({ name }) => name)
  const filled = names.filter((name) => call.rights.fillsColumn(database, table, name))
  const options = { atomic, lines, receipt, only: filled.length < names.length ? filled : undefined }
  const { inserted, duplicates, rejected, warnings } = await events.insert(schema, request.events, options)
  const sent = inserted + duplicates + rejected.length
  return {
    message: `inserted ${inserted} of ${sent} events`,
    inserted,
    duplicates,
    rejected: [...rejected],
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  }
})
