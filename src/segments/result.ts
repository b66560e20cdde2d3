const CHARACTERS_OF_LIST = 10

/** A node of a result: its group, one list of aggregates for each segment, its children. */
export interface ResultNode {
  g: string | number | boolean | null
  c: (number | string | boolean | null)[]
  [more: `c${number}`]: (number | string | boolean | null)[]
  _?: ResultNode[]
}

export interface Result {
  _: ResultNode[]
}

export type Order = 'asc' | 'desc'

/** A node of counts: `counts` has one number for each segment, written as c, c2, c3. */
export function countNode(g: ResultNode['g'], counts: readonly number[], children?: ResultNode[]): ResultNode {
  const node: ResultNode = { g, c: [counts[0] ?? 0] }
  for (let at = 1; at < counts.length; at++) node[`c${at + 1}`] = [counts[at]!]
  if (children && children.length > 0) node._ = children
  return node
}

/** About how many characters a node takes where it is written, with all below it. */
export function charactersOf({ g, _: below, ...lists }: ResultNode): number {
  const own = (typeof g === 'string' ? g.length : 0) + CHARACTERS_OF_LIST * Object.keys(lists).length
  return below ? below.reduce((sum, node) => sum + charactersOf(node), own) : own
}

/** Sorts nodes by the first count, and nodes of equal counts by their group, so that every answer is the same. */
export function sortByCount(nodes: ResultNode[], order: Order): ResultNode[] {
  const sign = order === 'asc' ? 1 : -1
  return nodes.sort((a, b) => sign * ((a.c[0] as number) - (b.c[0] as number)) || compareGroups(a.g, b.g))
}

export function sortByGroup(nodes: ResultNode[], order: Order): ResultNode[] {
  const sign = order === 'asc' ? 1 : -1
  return nodes.sort((a, b) => sign * compareGroups(a.g, b.g))
}

/** None < booleans < numbers < texts by code point. */
export function compareGroups(a: ResultNode['g'], b: ResultNode['g']): number {
  const byKind = kindOf(a) - kindOf(b)
  if (byKind !== 0) return byKind
  if (typeof a === 'string') return compareTexts(a, b as string)
  return Number(a) - Number(b)
}

function kindOf(value: ResultNode['g']): number {
  return value === null ? 0 : typeof value === 'boolean' ? 1 : typeof value === 'number' ? 2 : 3
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Keeps the first nodes of every list. */
export function trim(nodes: readonly ResultNode[], most: number | undefined): ResultNode[] {
  if (most === undefined) return [...nodes]
  return nodes.slice(0, most).map((node) => (node._ ? { ...node, _: trim(node._, most) } : node))
}
