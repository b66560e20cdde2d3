import type { Call } from './call.js'

/** A change of records that may depend on what they hold. */
interface Conditional {
  table: string
  where?: unknown
  if?: unknown
}

/** A condition tells what records hold. Who may write the table but not read it is told that, not that it does not exist. */
export function requireForConditions({ rights }: Call, database: string, change: Conditional): void {
  if (change.where !== undefined || change.if !== undefined) rights.require(['read'], database, change.table)
}
