/** A trigger as it is stored. */
export interface Trigger {
  /** Never used again. */
  readonly id: number
  readonly database: string
  readonly table: string
  readonly tableId: number
  readonly name: string
  readonly script: string
  readonly createdAt: number
}

/** A web-hook that gets a trigger's messages, as it is stored. */
export interface Subscription {
  /** Never used again: the queue's name. */
  readonly id: number
  readonly trigger: number
  readonly name: string
  readonly host: string
  readonly port: number
  readonly path: string
  readonly tls: boolean
  /** Older messages become dead letters. */
  readonly retentionMs: number
  readonly secret?: string
}

export interface Subscriber {
  sub: string
  host: string
  port: number
  /** For those only who may change the trigger: paths and queries hold tokens. */
  path?: string
  tls: boolean
  retention: number
  signed: boolean
  waiting: number
  dead_letters: number
  failures: number
  last_failure?: string
}

/** A trigger as it is described. */
export interface TriggerView {
  table: string
  reevent: string
  script: string
  functions: string[]
  created_at: string
  /** Why the script failed last, and how often since the start. */
  failures: number
  last_failure?: string
  subscribers: Subscriber[]
}
