// access owns users, roles, passwords and tokens: who is who, and who may do what.
export { Access, type AccessOptions, type AccessSettings, type SignedIn } from './access.js'
export { DurableAccessStore } from './durable-store.js'
