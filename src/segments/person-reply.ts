import type { CellValue, PersonRow } from '../analytics/index.js'

/** Values of a folded row: those that all its rows share, and under `_` what differs. */
export interface FoldedValues {
  [column: string]: CellValue | FoldedValues[]
}

export interface FoldedRow {
  stamp: number
  stamp_iso: string
  action: string
  attr: FoldedValues
}

/** What there is to know of a table to fold rows that it takes again. */
export interface Folding {
  readonly isSet: (column: string) => boolean
  /** The name of the list of what differs: that of no column, which would take it for a value of its own. */
  readonly list: string
  /** An event of more would be rejected. */
  readonly rowsPerEventMax: number
}

/**
 * Rows of a person with rows of one stamp and action folded into one, so that inserting the reply gives the same rows:
 * what all rows share stands once; what differs is a list under `_`, or the list of the one column that differs.
 */
export function foldRows(rows: readonly PersonRow[], folding: Folding): FoldedRow[] {
  const folded: FoldedRow[] = []
  for (let from = 0; from < rows.length; ) {
    const { stamp, action } = rows[from]!
    let to = from + 1
    const most = Math.min(rows.length, from + folding.rowsPerEventMax)
    while (to < most && rows[to]!.stamp === stamp && rows[to]!.action === action) to++
    const values = rows.slice(from, to).map((row) => row.values)
    folded.push({ stamp, stamp_iso: isoOf(stamp), action, attr: foldValues(values, folding) })
    from = to
  }
  return folded
}

function foldValues(rows: readonly Record<string, CellValue>[], { isSet, list }: Folding): FoldedValues {
  const first = rows[0]!
  if (rows.length === 1) return { ...first }
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const shared = names.filter((name) => rows.every((row) => same(row[name], first[name])))
  const folded: FoldedValues = Object.fromEntries(shared.map((name) => [name, first[name]!]))
  const different = names.filter((name) => !shared.includes(name))
  const [only] = different
  if (different.length === 1 && !isSet(only!) && rows.every((row) => row[only!] !== undefined)) {
    folded[only!] = rows.map((row) => row[only!] as string | number | boolean)
  } else {
    folded[list] = rows.map((row) =>
      Object.fromEntries(different.filter((name) => row[name] !== undefined).map((name) => [name, row[name]!])),
    )
  }
  return folded
}

function same(a: CellValue | undefined, b: CellValue | undefined): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b)
  return a.length === b.length && a.every((element, at) => Object.is(element, b[at]))
}

/** ISO 8601 in UTC; milliseconds only when there are any. */
function isoOf(stamp: number): string {
  return new Date(stamp).toISOString().replace('.000Z', 'Z')
}
