import { type Needs, operation } from '../../src/api/index.js'

export default operation('rotate_keys', async ({ revoke }, { access }: Needs<'access'>, call) => {
  const { id, previous } = await access.rotateKeys(revoke, call)
  const message = `Tokens are signed with a new key${revoke ? '; all earlier ones have ended' : ''}.`
  return { message, key_id: id, previous }
})
