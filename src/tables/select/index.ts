// select owns reading by condition: JSON selects, the searches, their plans, pages and limits.
export type { Costs } from './access.js'
export type {
  Asker,
  Reading,
  Rows,
  SearchByConditionsRequest,
  SearchByIdRequest,
  SearchByValueRequest,
} from './queries.js'
export { Queries } from './queries.js'
export type { QueryLimits } from './query.js'
export { compileWhere, rowsWhere, type WhereOptions } from './rows-where.js'
export type { SelectRequest } from './select-request.js'
