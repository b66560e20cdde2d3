// api owns the way from a request to its handler: operation(), Call, Services, Dispatcher.
export { Call, type Caller, type CallOptions, type Credentials } from './call.js'
export { Dispatcher, type DispatcherOptions, type Gate } from './dispatcher.js'
export { loadHandlers } from './handlers.js'
export { type Needs, type Operation, type OperationName, operation, type Ready, type Run } from './operation.js'
export type { NodeInfo, Services } from './services.js'
export { previewed, refused, shown, wantedOf } from './subscriptions.js'
export { mayBuild, requireWhole } from './whole-table.js'
