// Owns the supervised NATS servers of this node and everything that is said between nodes: routes, requests, outboxes.
export type { TlsPaths } from './credentials.js'
export { newIdentity } from './identity.js'
export type { Log } from './log.js'
export {
  type Announce,
  isNodeName,
  Mesh,
  type MeshOptions,
  type Routes,
  type RoutesSet,
  type ServerStatus,
} from './mesh.js'
export type { Arrival, FollowOptions, OutboxStream, Place, StreamState } from './outbox-stream.js'
export { type Handler, type Json, PrintedJson, type Requests } from './requests.js'
export { findLoop, isLoopback, type NodeLinks, type Route } from './routes.js'

/** Makes a mesh's certificate authority, or signs a node's certificate; loads the library for that on first use. */
export const loadAuthority = () => import('./authority.js')
