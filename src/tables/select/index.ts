// select owns reading by condition: JSON selects, the searches, their plans, pages and limits.
export type { Costs } from './access.js'
export type {
  Asker,
  Reading,
  Rows,
  SearchByConditionsRequest,
  SearchByIdRequest,
  SearchByValueRequest,
  SelectRequest,
} from './queries.js'
export { compileWhere, Queries, rowsWhere, type WhereOptions } from './queries.js'
export type { QueryLimits } from './query.js'
