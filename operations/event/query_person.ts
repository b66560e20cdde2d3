import { type Needs, operation } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

export default operation('query_person', async (request, { catalog, events }: Needs<'catalog' | 'events'>, call) => {
  const { database, table, sid, id } = request
  const person = sid ?? id
  const schema = catalog.table(database, table)
  if (person === undefined || (sid !== undefined && id !== undefined)) throw new Problem('person_missing', {})
  const rows = await events.questions.queryPerson(schema, person, call)
  if (!rows) throw new Problem('person_unknown', { person: JSON.stringify(person), table })
  return typeof person === 'number' ? { id: person, rows } : { id_string: person, rows }
})
