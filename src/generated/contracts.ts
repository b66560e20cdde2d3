// Generated from schemas/ by npm run generate. Do not edit.
import type { Shapes as CreateAuthenticationTokens } from './operations/access/create_authentication_tokens.js'
import type { Shapes as RefreshOperationToken } from './operations/access/refresh_operation_token.js'
import type { Shapes as UserInfo } from './operations/access/user_info.js'
import type { Shapes as DescribeOperations } from './operations/system/describe_operations.js'
import type { Shapes as GetConfiguration } from './operations/system/get_configuration.js'
import type { Shapes as Health } from './operations/system/health.js'
import type { Shapes as Metrics } from './operations/system/metrics.js'
import type { Shapes as Openapi } from './operations/system/openapi.js'
import type { Shapes as Ping } from './operations/system/ping.js'
import type { Shapes as Postman } from './operations/system/postman.js'
import type { Shapes as Ready } from './operations/system/ready.js'
import type { Shapes as Status } from './operations/system/status.js'

/** Request and response of every operation. */
export interface Contracts {
  create_authentication_tokens: CreateAuthenticationTokens
  refresh_operation_token: RefreshOperationToken
  user_info: UserInfo
  describe_operations: DescribeOperations
  get_configuration: GetConfiguration
  health: Health
  metrics: Metrics
  openapi: Openapi
  ping: Ping
  postman: Postman
  ready: Ready
  status: Status
}
