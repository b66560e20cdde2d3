import type { Access } from '../access/index.js'
import type { Contracts } from '../contracts/index.js'
import { type JobOwners, type LoadParameters, rightsToLoad } from '../jobs/index.js'

/** The users of a node as jobs see them: a job goes on as long as its user might start it, with the same key for programs if there was one. */
export function jobOwnersOf(access: Access, contracts: Contracts): JobOwners {
  return {
    since: (user) => access.since(user),
    check({ type, user, since, apiKey, parameters }) {
      const caller = access.userSince(user, since, apiKey)
      access.authorize(caller, contracts.find(type).contract, parameters as Record<string, unknown>)
      if (type !== 'csv_data_load') return
      // What it needs depends on the request, so its contract does not say it.
      const { action, database, table, columns } = parameters as LoadParameters
      caller.rights.require(rightsToLoad(action), database, table, columns)
    },
  }
}
