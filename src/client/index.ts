// client owns the typed client, `trellisdb/client`: one method for each operation, in Node and in browsers (fetch only).
export type { Contracts } from '../generated/contracts.js'
export type { ProblemCode } from '../generated/problems.js'
export { type CallOptions, type Client, type Connection, type ConnectOptions, connect, type Job } from './client.js'
export { TrellisProblem, TrellisUnreachable } from './errors.js'
