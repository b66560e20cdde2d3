import { type Needs, operation } from '../../src/api/index.js'

export default operation('describe_all', (_, { catalog, tables }: Needs<'catalog' | 'tables'>, { view }) => {
  const databases = [...catalog.current.databases.keys()].sort()
  const described = databases.map((database) => [database, tables.describeDatabase(database, view)] as const)
  return Object.fromEntries(
    described
      .filter(([database, visible]) => visible.length > 0 || catalog.database(database).tables.size === 0)
      .map(([database, visible]) => [database, Object.fromEntries(visible.map((table) => [table.name, table]))]),
  )
})
