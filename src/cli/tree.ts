import { plain, table, widest } from './table.js'

/** A group of a query's answer: its key, counts of the first, second … segment, and the groups within it. */
export interface TreeNode {
  readonly g: string | number | boolean | null
  readonly c?: readonly unknown[]
  readonly _?: readonly TreeNode[]
  readonly error?: { readonly detail: string }
  readonly [more: string]: unknown
}

/** A tree of groups as one aligned table, each level indented by two spaces. */
export function tree(nodes: readonly TreeNode[], names: readonly string[], options: { cut: boolean }): string {
  if (nodes.length === 0) return 'Nothing found.'
  const rows = (level: readonly TreeNode[], indent: string): Record<string, unknown>[] =>
    level.flatMap((node) => [
      { group: indent + plain(String(node.g)), ...cellsOf(node, names) },
      ...rows(node._ ?? [], `${indent}  `),
    ])
  return table(rows(nodes, ''), options)
}

function cellsOf(node: TreeNode, names: readonly string[]): Record<string, unknown> {
  if (node.error) return { error: node.error.detail }
  const cells: Record<string, unknown> = {}
  for (const segment of segmentsOf(node)) {
    const values = node[segment] as readonly unknown[]
    const suffix = segment === 'c' ? '' : ` ${segment.slice(1)}`
    for (const [i, value] of values.entries()) cells[`${names[i] ?? `value ${i + 1}`}${suffix}`] = value
  }
  return cells
}

function segmentsOf(node: TreeNode): string[] {
  return Object.keys(node).filter((name) => /^c\d*$/.test(name))
}

const EIGHTHS = ' ▏▎▍▌▋▊▉█'

/** Counts by number as bars, in the order of the answer, at most `width` characters wide. */
export function bars(nodes: readonly TreeNode[], width: number): string {
  const counts = nodes.map(({ c }) => Number(c?.[0] ?? 0))
  const labels = nodes.map(({ g }) => plain(String(g)))
  const left = widest(labels, (label) => label.length, 0)
  const right = widest(counts, (count) => String(count).length, 1)
  const room = Math.max(10, width - left - right - 4)
  const most = widest(counts, (count) => count, 1)
  return nodes.map((_, i) => `${labels[i]!.padStart(left)} │${bar((counts[i]! / most) * room)} ${counts[i]}`).join('\n')
}

function bar(length: number): string {
  const eighths = Math.round(length * 8)
  return `${'█'.repeat(Math.floor(eighths / 8))}${eighths % 8 === 0 ? '' : EIGHTHS[eighths % 8]}`
}

/** The names of a script's aggregates, as its agg block gives them; people are counted without one. */
export function aggregateNames(script: string): string[] {
  const lines = script.split('\n')
  const start = lines.findIndex((line) => /^(agg|aggregate)\s*:/.test(line))
  if (start === -1) return ['person']
  const names: string[] = []
  for (const line of lines.slice(start + 1)) {
    const code = line.replace(/#.*/, '').trim()
    if (code === '') continue
    if (!/^\s/.test(line)) break
    const alias = /\bas\s+(\w+)/.exec(code)
    const words = code.split(/\s+/)
    const isAlone = words.length === 1 || ['as', 'with', 'all', 'distinct'].includes(words[1]!)
    names.push(alias ? alias[1]! : isAlone ? words[0]! : words[1]!)
  }
  return names
}
