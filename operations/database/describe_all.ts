import { type Needs, operation } from '../../src/api/index.js'

export default operation('describe_all', (_, { catalog, tables }: Needs<'catalog' | 'tables'>, { rights }) => {
  const databases = [...catalog.current.databases.keys()].filter((database) => rights.knowsDatabase(database)).sort()
  return Object.fromEntries(
    databases.map((database) => {
      const known = tables.describeDatabase(database, rights.known)
      return [database, Object.fromEntries(known.map((table) => [table.name, table]))]
    }),
  )
})
