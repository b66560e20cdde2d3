// Generated from schemas/ by npm run generate. Do not edit.
import type { Contracts } from './contracts.js'

/** Every operation by the name of its method, and whether it changes anything. */
export const methods = {
  createAuthenticationTokens: { operation: 'create_authentication_tokens', changes: false },
  refreshOperationToken: { operation: 'refresh_operation_token', changes: false },
  userInfo: { operation: 'user_info', changes: false },
  describeOperations: { operation: 'describe_operations', changes: false },
  getConfiguration: { operation: 'get_configuration', changes: false },
  health: { operation: 'health', changes: false },
  metrics: { operation: 'metrics', changes: false },
  openapi: { operation: 'openapi', changes: false },
  ping: { operation: 'ping', changes: false },
  postman: { operation: 'postman', changes: false },
  ready: { operation: 'ready', changes: false },
  status: { operation: 'status', changes: false },
} as const satisfies Record<string, { operation: keyof Contracts; changes: boolean }>

/** One method for each operation. */
export interface Methods<Options> {
  /** Makes a pair of tokens. */
  createAuthenticationTokens(request?: Contracts['create_authentication_tokens']['sent'], options?: Options): Promise<Contracts['create_authentication_tokens']['response']>
  /** Makes a new operation token. */
  refreshOperationToken(request?: Contracts['refresh_operation_token']['sent'], options?: Options): Promise<Contracts['refresh_operation_token']['response']>
  /** Answers who the caller is. */
  userInfo(request?: Contracts['user_info']['sent'], options?: Options): Promise<Contracts['user_info']['response']>
  /** Lists the operations with their fields. */
  describeOperations(request?: Contracts['describe_operations']['sent'], options?: Options): Promise<Contracts['describe_operations']['response']>
  /** Answers the settings of the node. */
  getConfiguration(request?: Contracts['get_configuration']['sent'], options?: Options): Promise<Contracts['get_configuration']['response']>
  /** Answers whether the process is alive. */
  health(request?: Contracts['health']['sent'], options?: Options): Promise<Contracts['health']['response']>
  /** Answers the figures of the node for Prometheus. */
  metrics(request?: Contracts['metrics']['sent'], options?: Options): Promise<Contracts['metrics']['response']>
  /** Answers the OpenAPI 3.1 document of this version. */
  openapi(request?: Contracts['openapi']['sent'], options?: Options): Promise<Contracts['openapi']['response']>
  /** Answers that the node is there. */
  ping(request?: Contracts['ping']['sent'], options?: Options): Promise<Contracts['ping']['response']>
  /** Answers the Postman collection of this version. */
  postman(request?: Contracts['postman']['sent'], options?: Options): Promise<Contracts['postman']['response']>
  /** Answers whether the node serves requests. */
  ready(request?: Contracts['ready']['sent'], options?: Options): Promise<Contracts['ready']['response']>
  /** Answers how the node is doing. */
  status(request?: Contracts['status']['sent'], options?: Options): Promise<Contracts['status']['response']>
}
