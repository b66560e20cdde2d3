import { Problem } from '../lib/index.js'

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

/** Subscriptions as the mesh takes them. @throws Problem invalid_request for two names of one database, or no time */
export function wantedOf(subscriptions: readonly Written[], startTime: string | undefined) {
  return subscriptions.map(({ copy, database, publish, schema, start_time = startTime, subscribe, table }) => {
    if (database !== undefined && schema !== undefined && database !== schema) {
      throw new Problem('invalid_request', {
        reason: `database '${database}' and schema '${schema}' differ; give one.`,
      })
    }
    const since = start_time === undefined ? undefined : Date.parse(start_time)
    if (Number.isNaN(since))
      throw new Problem('invalid_request', { reason: `start_time '${start_time}' is not a time.` })
    return {
      database: database ?? schema ?? DEFAULT_DATABASE,
      table,
      publish,
      subscribe,
      ...(since === undefined ? {} : { since }),
      ...(copy ? { copy } : {}),
    }
  })
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
export const previewed = ({
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
