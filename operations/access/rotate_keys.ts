import { type Needs, operation } from '../../src/api/index.js'

export default operation('rotate_keys', ({ revoke }, { access }: Needs<'access'>, call) =>
  access.rotateKeys(revoke, call),
)
