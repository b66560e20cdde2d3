import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'add_api_key',
  ({ name, username, operations, databases, read_only, ttl_s }, needs: Needs<'access' | 'contracts'>, call) => {
    const { access, contracts } = needs
    const caller = call.caller!
    access.refuseKeys(caller)
    return access.apiKeys.add(
      {
        name,
        username: access.userMeant(caller, username),
        operations: operations?.map((operation) => contracts.find(operation).contract.operation),
        databases,
        readOnly: read_only,
        ttl: ttl_s,
      },
      call,
    )
  },
)
