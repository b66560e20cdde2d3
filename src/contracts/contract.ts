/** What a caller needs to be allowed to call an operation. */
export type Access = 'public' | 'user' | 'read' | 'insert' | 'update' | 'delete' | 'structure' | 'super_user'

/** A JSON Schema, as far as this code looks into it. */
export interface Schema {
  type?: string | string[]
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema | true>
  required?: string[]
  items?: Schema
  $ref?: string
  description?: string
  default?: unknown
  additionalProperties?: boolean | Schema
  [keyword: string]: unknown
}

/** A REST shortcut of an operation. */
export interface Alias {
  route: string
  with?: Record<string, unknown>
  body?: string
  /** The body is handed on as text, whatever its type. */
  raw?: boolean
  request?: string
  reply?: string
  status?: number
}

/** A request with its answer, shown in the documents and run by the tests. */
export interface Example {
  title: string
  given?: ({ operation: string } & Record<string, unknown>)[]
  fresh?: boolean
  as?: 'admin' | 'nobody'
  request: Record<string, unknown>
  response?: unknown
  problem?: string
}

/** All that the outside may know of an operation; see schemas/contract.json. */
export interface Contract {
  operation: string
  group: string
  summary: string
  since: string
  description: string
  access: readonly Access[]
  runs_on: 'here' | 'leader' | 'owner' | 'every_node'
  changes: boolean
  target: { database?: string; table?: string; records?: string }
  /** Whether a join token is enough to call it. */
  join_token: boolean
  also_called: string[]
  also_named: Record<string, string>
  alias: Alias[]
  request: Schema
  response: Schema
  problems: string[]
  examples: Example[]
}
