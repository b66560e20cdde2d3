import type { Catalog, Content } from '../catalog/index.js'
import type { WriteTransaction } from '../storage/index.js'
import type { Keyspaces } from './layout.js'
import type { ColumnShape, TableShape } from './shape.js'

/** What a column holds that held `content` and now this value too; undefined: perhaps anything. */
export function contentWith(content: Content | undefined, value: unknown): Content | undefined {
  if (typeof value !== 'object' && value !== undefined) return content
  return content !== undefined && (value === null || value === undefined) ? 'nullable' : undefined
}

/** What a column holds at first that no record of the table has. `added`: records that are not counted yet. */
export function contentOfNew(
  transaction: WriteTransaction,
  { counts }: Keyspaces,
  tablePrefix: string,
  added = 0,
): Content {
  return Number(transaction.get(counts, tablePrefix) ?? 0) + added === 0 ? 'scalar' : 'nullable'
}

/**
 * What the records of a transaction change in the contents of columns. An index shows the scalars of a column and nothing
 * else, so queries read it in order only where it is known what is not in it. Contents only ever become wider: whatever
 * goes again, they stay true, and a transaction that widens them is rare.
 */
export class Contents {
  /** By table and column. */
  readonly #widened = new Map<number, Map<number, Content | undefined>>()

  /** Takes note of a value that a record of the table has. */
  note({ schema }: TableShape, { column }: ColumnShape, value: unknown): void {
    if (column.content === undefined) return
    let columns = this.#widened.get(schema.id)
    const before = columns?.has(column.id) ? columns.get(column.id) : column.content
    const content = contentWith(before, value)
    if (content === before) return
    if (!columns) {
      columns = new Map()
      this.#widened.set(schema.id, columns)
    }
    columns.set(column.id, content)
  }

  /** Stores what was noted, in the transaction that stores the records. */
  store(catalog: Catalog, transaction: WriteTransaction): void {
    for (const [table, columns] of this.#widened) catalog.widenContents(transaction, table, columns)
    this.#widened.clear()
  }
}
