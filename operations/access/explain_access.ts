import { type Needs, operation } from '../../src/api/index.js'

export default operation('explain_access', (request, { access, contracts }: Needs<'access' | 'contracts'>, call) => {
  const caller = call.caller!
  const { asked_operation, username: named, ...target } = request
  const username = access.userMeant(caller, named)
  const { operation, access: needed } = contracts.find(asked_operation).contract
  const reasons = access.explain(username, { operation, access: needed, ...target })
  return { username, operation, allowed: reasons.every(({ allowed }) => allowed), reasons }
})
