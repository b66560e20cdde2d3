import { type Needs, operation } from '../../src/api/index.js'

export default operation('csv_data_load', ({ data, ...load }, { loads }: Needs<'loads'>, call) => {
  const { database, table, action } = load
  const actions = loads.rightsFor(action)
  const { rights } = call.caller!
  // Before anything of the table is looked at: what the caller may not know of does not exist.
  rights.require(actions, database, table)
  return loads.startText(load, data, call, (columns) => rights.require(actions, database, table, columns))
})
