import { momentIn, Problem } from '../lib/index.js'
import type { Agreed } from '../replication/index.js'
import type { Call } from './call.js'
import type { Needs } from './operation.js'

/** Whoever names no database means this one, which is made with its first table. */
export const DEFAULT_DATABASE = 'data'

/** A subscription as requests write it. */
interface Written {
  database?: string | undefined
  schema?: string | undefined
  table: string
  publish: boolean
  subscribe: boolean
  start_time?: string | undefined
  copy?: boolean | undefined
}

interface Held {
  database: string
  table: string
  publish: boolean
  subscribe: boolean
}

/**
 * Subscriptions as the mesh takes them.
 * @throws Problem invalid_request for two names of one database, a table that is named twice, or no time
 */
export function wantedOf(subscriptions: readonly Written[], startTime: string | undefined) {
  const wanted = subscriptions.map(({ copy, database, publish, schema, start_time = startTime, subscribe, table }) => {
    if (database !== undefined && schema !== undefined && database !== schema) {
      throw new Problem('invalid_request', {
        reason: `database '${database}' and schema '${schema}' differ; give one.`,
      })
    }
    const since = start_time === undefined ? undefined : momentIn('start_time', start_time)
    return {
      database: database ?? schema ?? DEFAULT_DATABASE,
      table,
      publish,
      subscribe,
      ...(since === undefined ? {} : { since }),
      ...(copy ? { copy } : {}),
    }
  })
  const named = new Set<string>()
  for (const { database, table } of wanted) {
    const path = JSON.stringify([database, table])
    if (named.has(path))
      throw new Problem('invalid_request', { reason: `The subscriptions name '${database}.${table}' twice.` })
    named.add(path)
  }
  return wanted
}

/** A subscription as answers write it. */
export const shown = ({ database, publish, subscribe, table }: Held) => ({
  schema: database,
  table,
  publish,
  subscribe,
})

/** One that cannot be, with its reason. */
export const refused = ({ reason, ...held }: Held & { reason: string }) => ({ ...shown(held), reason })

/** What a copy would do, as answers write it. */
const previewed = ({
  database,
  ...rest
}: {
  database: string
  table: string
  rows: number
  known: number
  kept: number
}) => ({
  schema: database,
  ...rest,
})

interface Sharing {
  node_name: string
  subscriptions: readonly Written[]
  start_time?: string | undefined
  timeout: number
  dry_run: boolean
}

/** Shares tables with a node; `tell` gives what an answer says of those that are shared. The answer is stored with it. */
export async function shareTables<Told extends object>(
  { dry_run: dryRun, node_name: node, start_time: startTime, subscriptions, timeout }: Sharing,
  { clustering }: Needs<'clustering'>,
  call: Call,
  tell: (subscriptions: ReturnType<typeof shown>[]) => Told,
) {
  const answerOf = ({ done, preview, skipped }: Agreed) => ({
    ...tell(done.map(shown)),
    skipped: skipped.map(refused),
    ...(preview ? { preview: preview.map(previewed) } : {}),
  })
  const receiptOf = (agreed: Agreed) => call.settled(answerOf(agreed))
  const wanted = wantedOf(subscriptions, startTime)
  return answerOf(await clustering.replication.agreement.share(node, wanted, timeout, { dryRun, receiptOf }))
}
