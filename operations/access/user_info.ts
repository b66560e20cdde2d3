import { type Needs, operation } from '../../src/api/index.js'

export default operation('user_info', (_, { access }: Needs<'access'>, call) => access.users.describe(call.user!))
