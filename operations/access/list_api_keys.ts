import { type Needs, operation } from '../../src/api/index.js'

export default operation('list_api_keys', ({ username }, { access }: Needs<'access'>, call) =>
  access.apiKeys.list(
    username === undefined && call.caller!.superUser ? undefined : access.userMeant(call.caller!, username),
  ),
)
