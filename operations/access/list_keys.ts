import { type Needs, operation } from '../../src/api/index.js'

export default operation('list_keys', (_, { access }: Needs<'access'>) => ({ keys: access.publicKeys() }))
