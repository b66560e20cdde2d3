import { readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { type Client, TrellisProblem } from '../client/index.js'
import type { Contract, Schema } from '../contracts/index.js'
import type { Flag } from './arguments.js'
import { Usage } from './failures.js'
import { print } from './print.js'
import { requestOf } from './request.js'
import { aggregateNames, bars, type TreeNode, tree } from './tree.js'

const HISTOGRAM_FIELDS = ['name', 'bucket', 'min', 'max', 'foreach']

interface QueryAnswer {
  readonly _?: readonly TreeNode[]
  readonly debug?: unknown
}

export interface QueryOptions {
  readonly contractOf: (operation: string) => Contract
  readonly common: ReadonlyMap<string, Schema>
  readonly width: number
  readonly cut: boolean
}

/**
 * Runs the script of a file: sections make it a batch or segments, a name, a bucket or foreach makes it a histogram.
 * The answer as people read it: groups as a table, numbers as bars; with --json as it came.
 */
export async function query(
  client: Client,
  flags: Partial<Record<Flag, string>>,
  [file, ...words]: readonly string[],
  options: QueryOptions,
): Promise<string> {
  if (file === undefined || flags.table === undefined) {
    throw new Usage('Name the script and its table: trellis query FILE.pyql --table T.')
  }
  const script = readFileSync(file === '-' ? 0 : file, 'utf8')
  const operation = operationOf(script, words)
  const fields = requestOf(options.contractOf(operation), words, options.common)
  const name = operation === 'query_histogram' ? { name: basename(file, extname(file)) } : {}
  const { table, database } = flags
  const given = { table, ...(database !== undefined && { database }), script }
  const twice = Object.keys(given).find((field) => Object.hasOwn(fields, field))
  if (twice !== undefined) throw new Usage(`'${twice}' is given twice: the file is the script, and --table its table.`)
  const request = { ...name, ...fields, ...given }
  const answer = (await client.call(operation, request).catch(explained)) as QueryAnswer
  return flags.json ? JSON.stringify(answer) : shown(operation, answer, script, options)
}

function operationOf(script: string, words: readonly string[]): string {
  const sections = [...script.matchAll(/^@(\w+)/gm)].map(([, type]) => type)
  if (sections.length > 0) return sections.every((type) => type === 'segment') ? 'query_segments' : 'query_batch'
  const isHistogram = words.some((word) => HISTOGRAM_FIELDS.includes(word.split('=', 1)[0]!))
  return isHistogram ? 'query_histogram' : 'query_events'
}

/** A mistake in the script with its picture. */
function explained(error: unknown): never {
  const picture = error instanceof TrellisProblem ? error.body['picture'] : undefined
  if (error instanceof TrellisProblem && typeof picture === 'string') {
    const { line, column } = error.body as { line?: number; column?: number }
    const detail = `line ${line}, column ${column}\n${picture}\n${error.message}`
    throw new TrellisProblem(error.status, { ...error.body, detail }, error.requestId)
  }
  throw error
}

function shown(operation: string, answer: QueryAnswer, script: string, { width, cut }: QueryOptions): string {
  if (typeof answer.debug === 'string') return answer.debug
  if (!answer._) return print(answer, { cut }) // a job that was started
  const { _: nodes = [], ...more } = answer
  const text =
    operation === 'query_events' || operation === 'query_segments'
      ? tree(nodes, operation === 'query_events' ? aggregateNames(script) : ['people'], { cut })
      : nodes.map((node) => part(node, width, cut)).join('\n\n') || 'Nothing found.'
  return Object.keys(more).length > 0 ? `${text}\n\n${print(more, { cut })}` : text
}

/** One section: its name and people, and what is within it. */
function part(node: TreeNode, width: number, cut: boolean): string {
  const within = node._ ?? []
  const title = tree([{ ...node, _: [] }], ['people'], { cut })
  if (within.length === 0) return title
  if (within.every(isBar)) return `${title}\n\n${bars(within, width)}`
  if (within.every(({ _: inner = [] }) => inner.length > 0 && inner.every(isBar))) {
    const inner = within.map(
      (value) => `${tree([{ ...value, _: [] }], ['people'], { cut })}\n\n${bars(value._!, width)}`,
    )
    return [title, ...inner].join('\n\n')
  }
  return `${title}\n\n${tree(within, ['people'], { cut })}`
}

function isBar({ g, c, c2, _ }: TreeNode): boolean {
  return typeof g === 'number' && c?.length === 1 && c2 === undefined && _ === undefined
}
