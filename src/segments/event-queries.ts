import type { Catalog, TableSchema } from '../catalog/index.js'
import { Problem, type Rights, type View } from '../lib/index.js'
import type { Idempotency } from '../storage/index.js'
import type { Events } from './events.js'
import type { Questions } from './questions.js'
import type { ScriptLog } from './script-log.js'
import type { QueryCall } from './visible-table.js'

/** A job while it runs, as far as queries need it. */
interface Run {
  readonly record: { readonly parameters: unknown; readonly since: number }
  readonly user: string
  readonly signal: AbortSignal
  readonly progress: { rows: number; rowsTotal: number }
  result: unknown
}

export interface EventQueriesOptions {
  readonly events: Events
  readonly catalog: Catalog
  /** What runs work in the background, and again after a restart. */
  readonly jobs: {
    define(type: string, work: (run: Run) => Promise<string>): void
    start(job: { type: string; author: Author; parameters: Remembered }): Promise<{ message: string; job_id: string }>
  }
  /** What a user may read and do now. @throws Problem when there is no such user any more */
  rightsOf(user: string, databases: readonly string[] | undefined): { view: View; rights: Rights }
  /** Where log() of scripts writes. */
  readonly log: ScriptLog
}

/** Who asks. A `Call` is one. */
interface Author {
  readonly user: string | undefined
  readonly apiKey?: string | undefined
  readonly idempotency?: Idempotency | undefined
  /** Signed in with a key for programs: what it allows. */
  readonly caller?: { readonly scope?: { readonly databases?: readonly string[] } } | undefined
}

/** What a query must remember. */
interface Remembered {
  readonly database: string
  readonly table: string
  readonly query: Record<string, unknown>
  /** Databases that the key of who asked is bound to. */
  readonly databases: readonly string[] | undefined
}

/** What an operation of this kind asks for. */
interface Request {
  readonly database: string
  readonly table: string
  readonly job?: boolean | undefined
}

/** The operations, and how each is answered. */
const kindsOf = (questions: Questions) => ({
  query_events: questions.query.bind(questions),
  query_segments: questions.querySegments.bind(questions),
  query_column: questions.queryColumn.bind(questions),
  query_histogram: questions.queryHistogram.bind(questions),
  query_batch: questions.queryBatch.bind(questions),
})
type Kinds = ReturnType<typeof kindsOf>
type Query = (schema: TableSchema, query: never, call: QueryCall) => Promise<unknown>

/** Queries of events, answered at once or as jobs: their progress is people scanned of all, their result the answer. */
export class EventQueries {
  readonly #options: EventQueriesOptions
  readonly #kinds: Kinds

  constructor(options: EventQueriesOptions) {
    this.#options = options
    this.#kinds = kindsOf(options.events.questions)
    for (const [type, query] of Object.entries(this.#kinds)) options.jobs.define(type, (run) => this.#run(run, query))
  }

  /** @throws Problem table_not_found and those of the query */
  ask<Kind extends keyof Kinds>(
    kind: Kind,
    { job, ...request }: Request & Parameters<Kinds[Kind]>[1],
    call: QueryCall & Author,
  ): ReturnType<Kinds[Kind]> | Promise<{ message: string; job_id: string }> {
    const { database, table, ...query } = request
    const schema = this.#options.catalog.table(database, table)
    if (!job) return (this.#kinds[kind] as Query)(schema, query as never, call) as ReturnType<Kinds[Kind]>
    const parameters = { database, table, query, databases: call.caller?.scope?.databases }
    return this.#options.jobs.start({ type: kind, author: call, parameters })
  }

  /** A query changes nothing but segments that it defines anew, so after a restart it begins again. */
  async #run(run: Run, ask: Query): Promise<string> {
    const { catalog, events, log, rightsOf } = this.#options
    const { database, table, query, databases } = run.record.parameters as Remembered
    const { view, rights } = rightsOf(run.user, databases)
    if (!view.seesTable(database, table)) throw new Problem('table_not_found', { database, table })
    const schema = catalog.table(database, table)
    const { people } = await events.figures(schema)
    run.progress.rowsTotal = people
    const progress = (scanned: number) => {
      run.progress.rows = Math.min(scanned, people)
    }
    const caller = { username: run.user, since: run.record.since, rights }
    const call = { view, caller, signal: run.signal, progress, log }
    const answer = await ask(schema, query as never, call).catch((error: unknown) => Promise.reject(withLine(error)))
    run.result = answer
    run.progress.rows = people
    return 'The query is done.'
  }
}

/** A job tells a sentence of what went wrong, and no picture: a mistake in a script with its line. */
function withLine(error: unknown): unknown {
  if (!(error instanceof Problem) || typeof error.more.line !== 'number') return error
  const { reason } = error.facts as { reason?: string }
  return new Problem(error.code, { ...error.facts, reason: `Line ${error.more.line}: ${reason}` } as never, error.more)
}
