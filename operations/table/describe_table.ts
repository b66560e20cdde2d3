import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'describe_table',
  async ({ database, table }, { catalog, events, tables }: Needs<'catalog' | 'events' | 'tables'>, { view }) => {
    const description = tables.describe(database, table, view)
    if (description.kind !== 'events') return description
    const figures = await events.figures(catalog.table(database, table))
    return { ...description, record_count: figures.events }
  },
)
