import { Access, DurableAccessStore } from '../access/index.js'
import type { Catalog } from '../catalog/index.js'
import type { Config } from '../config/index.js'
import type { Storage } from '../storage/index.js'

/** Who is who and may do what in a data folder. */
export function openAccess(
  storage: Storage,
  catalog: Catalog,
  { access: settings, node }: Config,
  passwordCostLog2?: number,
): Promise<Access> {
  const structure = {
    // With what is on its way to disk: whoever comes next is asked about it.
    database: (name: string) => catalog.draft.databases.get(name),
    table: (database: string, table: string) => catalog.find(database, table),
  }
  return Access.open({
    store: new DurableAccessStore(storage),
    structure,
    settings,
    issuer: node.name,
    passwordCostLog2,
  })
}
