import { Problem } from '../../lib/index.js'
import { pyqlTableRequest } from './tables.js'

type Fields = Record<string, unknown>

/** Mappings of bodies of another shape, by the name that contracts use. */
export const requests: Record<string, (body: unknown) => Fields> = {
  /** A GET of a whole table: the query string may ask for less. */
  select_all(body) {
    if (body !== undefined)
      throw new Problem('invalid_request', {
        reason: 'A GET takes no body; POST the same path with /select behind it.',
      })
    return { select: '*' }
  },
  pyql_table: pyqlTableRequest,
  /** One row as the whole body, or a list of rows. */
  pyql_rows: (body) => ({ records: Array.isArray(body) ? body : [body] }),
}
