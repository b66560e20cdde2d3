import {
  Answer,
  type CompileOptions,
  compile,
  createScan,
  type Reply,
  type ReplyOptions,
  type ScanOptions,
  type TableColumn,
} from '../../src/pyql/index.js'
import { blockOf, type Person } from './pyql-people.js'

export const limits = {
  stepsMax: 1_000_000,
  memoryMax: 1_000_000,
  nodesMax: 100_000,
  charactersMax: 100_000_000,
  depthMax: 64,
  traceMax: 1000,
}
const scanOptions: ScanOptions = { now: Date.UTC(2024, 5, 15), sessionTime: 1_800_000, trace: true, limits }

export interface Ran {
  reply: Reply
  debug: unknown[]
  log: string[]
}

export interface RunOptions {
  columns: readonly TableColumn[]
  parameters?: CompileOptions['parameters']
  reply?: ReplyOptions
  scan?: Partial<ScanOptions>
}

/** Runs an event script over people, in one block. */
export function runEvents(script: string, people: readonly Person[], options: RunOptions): Ran {
  const { columns, parameters = new Map() } = options
  const program = compile(script, { mode: 'event', columns, parameters })
  const scan = createScan(program, { ...scanOptions, ...options.scan })
  scan.run(blockOf(people, program.columns))
  const answer = new Answer(program.aggregates, 1, limits)
  answer.absorb(scan.partial(), 0)
  return { reply: answer.reply(options.reply), debug: answer.debug, log: answer.log }
}
