// contracts owns the reading of schemas/operations: loading, compiling, checking, and finding by name or route.
export { CompiledContract, Contracts } from './catalogue.js'
export type { Access, Alias, Contract, Example, Schema } from './contract.js'
export { document } from './documents.js'
export { readCommonSchemas, readContracts } from './read.js'
export type { Match } from './routes.js'
