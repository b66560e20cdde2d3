import { JsonText, type Steps } from '../lib/index.js'

const CHARACTERS_OF_LIST = 10
const BEYOND_SURROGATES = /[\ud800-\uffff]/
/** Nodes that are written or counted, without a pause. */
const NODES_AT_ONCE = 500
const PIECE_CHARACTERS = 65_536

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

/** About how many characters a node takes where it is written, with all below it: in steps, it may be a million nodes. */
export function* charactersOf({ g, _: below = [], ...lists }: ResultNode): Steps<number> {
  let sum = (typeof g === 'string' ? g.length : 0) + CHARACTERS_OF_LIST * Object.keys(lists).length
  for (const [at, node] of below.entries()) {
    if (at % NODES_AT_ONCE === 0) yield
    sum += yield* charactersOf(node)
  }
  return sum
}

/** Sorts nodes by the first count, and nodes of equal counts by their group, so that every answer is the same. */
export function sortByCount(nodes: ResultNode[], order: Order): ResultNode[] {
  return nodes.sort(byCount(order))
}

/** The order of that. */
export function byCount(order: Order): (a: ResultNode, b: ResultNode) => number {
  const sign = order === 'asc' ? 1 : -1
  return (a, b) => sign * ((a.c[0] as number) - (b.c[0] as number)) || compareGroups(a.g, b.g)
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
  if (a === b) return 0
  // Only where one of them has surrogates or what is behind them is the order of units not that of code points.
  if (BEYOND_SURROGATES.test(a) || BEYOND_SURROGATES.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : 1
}

type Tree = Readonly<Record<string, unknown>>

/** A result as JSON text, the same as that of JSON.stringify, in steps: a list of it may have a million nodes. */
export function* jsonOf(result: object): Steps<JsonText> {
  const pieces: Buffer[] = []
  let text = ''
  for (const more of textsOf(result as Tree)) {
    text += more
    if (text.length < PIECE_CHARACTERS) continue
    pieces.push(Buffer.from(text))
    text = ''
    yield
  }
  return new JsonText(pieces.length === 0 ? text : Buffer.concat([...pieces, Buffer.from(text)]))
}

/** The text in pieces. */
function* textsOf(tree: Tree): Generator<string> {
  let mark = '{'
  for (const [name, value] of Object.entries(tree)) {
    if (value === undefined) continue
    const start = `${mark}${JSON.stringify(name)}:`
    if (name === '_') {
      yield start
      yield* textsOfList(value as Tree[])
    } else yield start + JSON.stringify(value)
    mark = ','
  }
  yield mark === '{' ? '{}' : '}'
}

function* textsOfList(list: readonly Tree[]): Generator<string> {
  let mark = '['
  for (let at = 0; at < list.length; ) {
    const end = Math.min(list.length, at + NODES_AT_ONCE)
    let leaves = at
    while (leaves < end && list[leaves]!._ === undefined) leaves++
    if (leaves > at) yield mark + JSON.stringify(list.slice(at, leaves)).slice(1, -1)
    else {
      yield mark
      yield* textsOf(list[at]!)
      leaves++
    }
    at = leaves
    mark = ','
  }
  yield mark === '[' ? '[]' : ']'
}
