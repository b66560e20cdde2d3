// access owns users, roles, passwords, tokens, keys and shares: who is who, and who may do what.
export { Access, type AccessOptions, type AccessSettings } from './access.js'
export type { SignedIn } from './callers.js'
export { DurableAccessStore } from './durable-store.js'
export type { AccessStore, RoleRecord, SharedAccess, UserRecord } from './store.js'
export type { Structure } from './structure.js'
