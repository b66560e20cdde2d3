// adapters owns how the services of a node see each other: each asks for what it needs in words of its own.
export { openAccess } from './access.js'
export { jobOwnersOf } from './job-owners.js'
export { indexBuilderOf, momentOf, rowRemoverOf, rowStoreOf, searchOf } from './job-tables.js'
export { tableDropperOf } from './table-dropper.js'
export { triggerSourceOf } from './trigger-source.js'
