import { type Needs, operation } from '../../src/api/index.js'

export default operation('refresh_operation_token', ({ refresh_token }, { access }: Needs<'access'>, call) =>
  access.refresh(refresh_token, call.credentials),
)
