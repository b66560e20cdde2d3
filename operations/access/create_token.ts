import { type Needs, operation } from '../../src/api/index.js'

export default operation('create_token', async ({ type, ttl_s: ttl }, { access }: Needs<'access'>, call) => ({
  ...(await access.createToken(call.caller!, type, ttl)),
  type,
}))
