import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'describe_all',
  async (_, { catalog, events, tables }: Needs<'catalog' | 'events' | 'tables'>, { rights }) => {
    const databases = [...catalog.current.databases.keys()].filter((database) => rights.knowsDatabase(database)).sort()
    const all = databases.map((database) => tables.describeDatabase(database, rights.known))
    const known = await events.counted(all.flat(), catalog.table.bind(catalog))
    return Object.fromEntries(
      databases.map((database) => {
        const own = known.filter(({ schema }) => schema === database)
        return [database, Object.fromEntries(own.map((table) => [table.name, table]))]
      }),
    )
  },
)
