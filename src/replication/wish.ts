import type { Position, Subscription } from './peers.js'
import { isTableName, nameOf, type TableName, type TableState } from './wire.js'

/** A subscription as it is asked for. */
export interface Wanted extends Subscription {
  /** Catch up from changes of this time on, in milliseconds since 1970; left out: from now on. */
  since?: number
  /** Begin with a full copy, merged by version. */
  copy?: boolean
}

export const published = (wanted: readonly Wanted[]): TableName[] => wanted.filter(({ publish }) => publish).map(bare)

export const bare = ({ database, table }: TableName): TableName => ({ database, table })

export const subscriptionOf = ({ database, publish, subscribe, table }: Wanted): Subscription => ({
  database,
  table,
  publish,
  subscribe,
})

export const isWanted = (value: unknown): value is Wanted =>
  isTableName(value) &&
  typeof (value as Wanted).publish === 'boolean' &&
  typeof (value as Wanted).subscribe === 'boolean' &&
  ((value as Wanted).since === undefined || typeof (value as Wanted).since === 'number')

/** Why a table cannot be shared; undefined when it can. */
export function objection(
  { database, table }: Wanted,
  here: TableState['schema'],
  there: TableState['schema'],
): string | undefined {
  if (!here && !there) return `'${database}.${table}' exists on neither node; create it on one of them.`
  if (here && there && (here.kind !== there.kind || here.primaryKey !== there.primaryKey)) {
    return `'${database}.${table}' has another kind or primary key on the other node: '${there.primaryKey}' there, '${here.primaryKey}' here.`
  }
  const isSame = (option: string) => JSON.stringify(here?.options[option]) === JSON.stringify(there?.options[option])
  if (here && there && !(isSame('z_order') && isSame('fold_case'))) {
    return `'${database}.${table}' has another z_order or fold_case on the other node: its events would not be the same there.`
  }
  return undefined
}

/** The old subscriptions with the new ones in their place; those that go no way are left out. */
export function merged(old: readonly Subscription[], wanted: readonly Wanted[], at: number): Subscription[] {
  const all = new Map(old.map((one) => [nameOf(one), one]))
  for (const wish of wanted) {
    const before = all.get(nameOf(wish))
    const first = before?.subscribe ? (before.first ?? before.at) : at
    all.set(nameOf(wish), { ...subscriptionOf(wish), at, ...(first === undefined ? {} : { first }) })
  }
  return [...all.values()].filter(({ publish, subscribe }) => publish || subscribe)
}

/** Where reading begins; undefined when it goes on where it is, or does not begin at all. */
export function beginning(
  { copy, since, subscribe }: Wanted,
  known: Position | undefined,
  incarnation: string,
  sequence: number,
): Position | undefined {
  if (!subscribe) return undefined
  const zero = { time: 0, at: 0, conflicts: known?.conflicts ?? 0 }
  if (copy) return { ...zero, incarnation: '', sequence: 0, copy: { reason: 'asked for', rows: 0 } }
  if (since !== undefined) return { ...zero, incarnation, sequence: 0, since }
  return known ? undefined : { ...zero, incarnation, sequence }
}
