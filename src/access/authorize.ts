import { Problem, type Rights, type TableAction } from '../lib/index.js'
import { forbidden } from './rights.js'
import type { ApiKeyScope } from './store.js'

/** What authorization reads of a contract. */
export interface Needed {
  operation: string
  access: readonly string[]
  changes: boolean
  join_token: boolean
  target: { database?: string; table?: string; records?: string }
}

/** What it reads of a caller. */
export interface Asking {
  superUser: boolean
  rights: Rights
  /** Signed in with a join token. */
  joinOnly?: boolean
  /** Signed in with a key for programs. */
  scope?: ApiKeyScope
}

const TABLE_ACTIONS: readonly string[] = ['read', 'insert', 'update', 'delete'] satisfies TableAction[]

/** Throws unless the caller may run this request: `credentials_missing` or `forbidden`. */
export function authorize(caller: Asking | undefined, contract: Needed, request: Record<string, unknown>): void {
  if (caller?.joinOnly && !contract.join_token)
    throw forbidden([`Operation '${contract.operation}' cannot be called with a join token`], [])
  if (caller?.scope) checkScope(caller.scope, contract, request)
  const { access } = contract
  if (access[0] === 'public' || caller?.superUser) return
  if (!caller) throw new Problem('credentials_missing', {})
  if (access.includes('super_user'))
    throw forbidden([`Operation '${contract.operation}' is restricted to 'super_user' roles`], [])
  const database = targetOf(request, contract.target.database)
  if (access.includes('structure')) {
    if (database === undefined)
      throw forbidden([`Operation '${contract.operation}' is restricted to 'super_user' roles`], [])
    caller.rights.requireStructure(database)
  }
  const actions = access.filter((name) => TABLE_ACTIONS.includes(name)) as TableAction[]
  if (actions.length === 0) return
  const table = targetOf(request, contract.target.table)
  if (database === undefined || table === undefined)
    throw forbidden([`Operation '${contract.operation}' without a table is restricted to 'super_user' roles`], [])
  caller.rights.require(actions, database, table, attributesOf(request, contract))
}

/** What a key for programs does not allow, whatever its user may. */
function checkScope(scope: ApiKeyScope, contract: Needed, request: Record<string, unknown>): void {
  const { operation, access, target } = contract
  if (scope.operations && !scope.operations.includes(operation))
    throw forbidden([`The key does not allow operation '${operation}'`], [])
  if (
    scope.readOnly &&
    (contract.changes || access.some((name) => name !== 'read' && name !== 'user' && name !== 'public'))
  )
    throw forbidden([`The key allows reading only, not operation '${operation}'`], [])
  if (!scope.databases) return
  const database = targetOf(request, target.database)
  if (database !== undefined && !scope.databases.includes(database))
    throw forbidden([], [`database '${database}' does not exist`])
}

function targetOf(request: Record<string, unknown>, field: string | undefined): string | undefined {
  const value = field === undefined ? undefined : request[field]
  return typeof value === 'string' ? value : undefined
}

/** The names of the attributes that a request writes; a text that nobody has read yet may hold any. */
function* attributesOf(request: Record<string, unknown>, { target }: Needed): Generator<string> {
  const records = target.records === undefined ? undefined : request[target.records]
  if (typeof records === 'string') yield '*'
  for (const record of Array.isArray(records) ? records : [records])
    if (typeof record === 'object' && record !== null) yield* Object.keys(record)
}
