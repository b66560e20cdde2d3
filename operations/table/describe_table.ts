import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'describe_table',
  async ({ database, table }, { catalog, events, tables }: Needs<'catalog' | 'events' | 'tables'>, { rights }) => {
    const description = tables.describe(database, table, rights.known)
    if (description.kind !== 'events') return description
    const figures = await events.figures(catalog.table(database, table))
    return { ...description, record_count: figures.events }
  },
)
