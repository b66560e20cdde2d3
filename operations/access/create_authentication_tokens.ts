import { type Needs, operation } from '../../src/api/index.js'

export default operation('create_authentication_tokens', (request, { access }: Needs<'access'>, call) =>
  access.createTokens(call, request),
)
