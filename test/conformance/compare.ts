/** What the original truncates to four decimals may differ by this. */
const TOLERANCE = 1.5e-4

interface Node {
  g: unknown
  _?: Node[]
  [counts: `c${string}`]: unknown
}

/** Where two results differ, or undefined: siblings in any order, numbers within the tolerance. */
export function differenceOfResults(actual: unknown, expected: unknown): string | undefined {
  const [a, b] = [nodesOf(actual), nodesOf(expected)]
  if (!a || !b) return 'it is no result'
  return differenceOfNodes(a, b, '')
}

function nodesOf(result: unknown): Node[] | undefined {
  const nodes = (result as { _?: unknown } | null)?._
  return Array.isArray(nodes) ? (nodes as Node[]) : undefined
}

function differenceOfNodes(actual: Node[], expected: Node[], path: string): string | undefined {
  const rest = [...actual]
  for (const node of expected) {
    const at = rest.findIndex((other) => sameValue(other.g, node.g))
    if (at < 0) return `${path}/${String(node.g)} is missing`
    const [other] = rest.splice(at, 1)
    const here = `${path}/${String(node.g)}`
    for (const key of new Set([...Object.keys(node), ...Object.keys(other!)])) {
      if (!/^c\d*$/.test(key)) continue
      const [x, y] = [other![key as 'c'], node[key as 'c']]
      if (!sameValue(x, y)) return `${here}.${key} is ${JSON.stringify(x)} instead of ${JSON.stringify(y)}`
    }
    const deeper = differenceOfNodes(other!._ ?? [], node._ ?? [], here)
    if (deeper) return deeper
  }
  return rest.length > 0 ? `${path}/${String(rest[0]!.g)} is there` : undefined
}

export function sameValue(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) <= TOLERANCE + Math.abs(b) * 1e-12
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((value, at) => sameValue(value, b[at]))
  if (isFields(a) && isFields(b)) {
    const names = new Set([...Object.keys(a), ...Object.keys(b)])
    return [...names].every((name) => sameValue(a[name], b[name]))
  }
  return Object.is(a, b)
}

export type Fields = Record<string, unknown>

/** The flat rows of a person's reply, however they are folded. */
export function unfolded(reply: unknown, isSet: (column: string) => boolean): Fields[] {
  const rows = (reply as { rows?: Fields[] }).rows ?? []
  return rows.flatMap(({ stamp, action, attr }) =>
    flat(attr as Fields, isSet).map((values) => ({ stamp, action, ...values })),
  )
}

function flat(values: Fields, isSet: (column: string) => boolean): Fields[] {
  let rows: Fields[] = [{}]
  for (const [name, value] of Object.entries(values)) {
    const choices =
      Array.isArray(value) && !isSet(name)
        ? value.flatMap((element) => (isFields(element) ? flat(element, isSet) : [{ [name]: element }]))
        : [{ [name]: value }]
    rows = rows.flatMap((row) => choices.map((choice) => ({ ...row, ...choice })))
  }
  return rows
}

/** Where two lists of rows differ, rows in any order. */
export function differenceOfRows(actual: readonly Fields[], expected: readonly Fields[]): string | undefined {
  const rest = [...actual]
  for (const row of expected) {
    const at = rest.findIndex((other) => sameValue(other, row))
    if (at < 0) return `the row ${JSON.stringify(row)} is missing`
    rest.splice(at, 1)
  }
  return rest.length > 0 ? `the row ${JSON.stringify(rest[0])} is there` : undefined
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
