import { Problem, type Rights, type TableAction, type View } from '../lib/index.js'
import type { Grants, TableGrant } from './grants.js'
import type { ShareLevel } from './store.js'
import type { Structure } from './structure.js'

/** The rule that allows something, for explanations. */
export type Rule = 'owner' | 'shared for writing' | 'shared for reading' | 'role'

export interface RightsOptions {
  grants: Grants
  structure: Structure
  /** What the user is to a database: its owner, or someone with whom it is shared. */
  standing(database: string): 'owner' | ShareLevel | undefined
  /** Whether what the role says of a database was said of an earlier one of its name. */
  isEarlier?(database: string): boolean
  /** Databases that a key for programs is bound to. */
  only?: ReadonlySet<string> | undefined
}

/** Names of databases that ordinary users cannot make: clients of HarperDB and pyql take them for the system's. */
const RESERVED: ReadonlySet<string> = new Set(['system', 'pyql', 'cluster'])

type AttributeAction = Exclude<TableAction, 'delete'>

interface Denied {
  schema: string
  table: string
  required_table_permissions: TableAction[]
  required_attribute_permissions: { attribute_name: string; required_permissions: TableAction[] }[]
}

/** What one user may do and see: by its role, by owning databases, and by databases shared with it. */
export class UserRights implements Rights, View {
  readonly known: View = {
    seesTable: (database, table) => this.#knowsTable(database, table),
    seesColumn: (database, table, column) => this.#knowsColumn(database, table, column),
  }
  readonly #options: RightsOptions

  constructor(options: RightsOptions) {
    this.#options = options
  }

  /** The rule that allows an action on a table, or undefined. */
  rule(action: TableAction, database: string, table: string): Rule | undefined {
    return this.#share(action, database) ?? (this.#grant(database, table)?.[action] ? 'role' : undefined)
  }

  /** The rule that allows an action on an attribute of a table. */
  attributeRule(action: AttributeAction, database: string, table: string, attribute: string): Rule | undefined {
    const shared = this.#share(action, database)
    if (shared) return shared
    const grant = this.#grant(database, table)
    if (!grant?.[action]) return undefined
    if (grant.attributes === undefined) return 'role'
    const own = grant.attributes.get(attribute)
    if (own) return own[action] ? 'role' : undefined
    return this.#inherits(grant, action, database, table, attribute) ? 'role' : undefined
  }

  /** The rule that allows changes of the structure of a database, or undefined. */
  structureRule(database: string): Rule | undefined {
    const { grants, structure, standing, only } = this.#options
    if (only && !only.has(database)) return undefined
    if (standing(database) === 'owner') return 'owner'
    if (this.#mayStructure(database)) return 'role'
    const free = structure.database(database) === undefined && !RESERVED.has(database)
    return grants.createDatabase && free ? 'role' : undefined
  }

  require(actions: readonly TableAction[], database: string, table: string, attributes: Iterable<string> = []): void {
    if (!this.#knowsTable(database, table)) throw forbidden([], [`Table '${database}.${table}' does not exist`])
    const missing = actions.filter((action) => this.rule(action, database, table) === undefined)
    const denied: Denied = {
      schema: database,
      table,
      required_table_permissions: missing,
      required_attribute_permissions: [],
    }
    if (missing.length > 0) throw forbidden([denied], [])
    if (!this.#grant(database, table)?.attributes) return
    const unknown: string[] = []
    for (const attribute of new Set(attributes)) {
      const lacking = actions.filter(
        (action) => action !== 'delete' && !this.attributeRule(action, database, table, attribute),
      )
      if (lacking.length === 0) continue
      if (this.#knowsAttribute(database, table, attribute))
        denied.required_attribute_permissions.push({ attribute_name: attribute, required_permissions: lacking })
      else unknown.push(`Attribute '${attribute}' does not exist on '${database}.${table}'`)
    }
    if (denied.required_attribute_permissions.length > 0 || unknown.length > 0)
      throw forbidden(denied.required_attribute_permissions.length > 0 ? [denied] : [], unknown)
  }

  requireStructure(database: string): void {
    if (this.structureRule(database)) return
    const { grants, structure } = this.#options
    if (grants.createDatabase && structure.database(database) && !this.knowsDatabase(database))
      throw new Problem('database_taken', { database })
    // The same for databases that are not there: some operations make them, and hidden ones look like them.
    throw forbidden([`Changing the structure of database '${database}' needs its owner or a structure_user role`], [])
  }

  knowsDatabase(database: string): boolean {
    const { grants, only } = this.#options
    if (only && !only.has(database)) return false
    if (this.#standing(database) !== undefined || this.#mayStructure(database)) return true
    for (const table of grants.tables.get(database)?.keys() ?? []) if (this.#anyAction(database, table)) return true
    return false
  }

  seesTable(database: string, table: string): boolean {
    return this.rule('read', database, table) !== undefined
  }

  seesColumn(database: string, table: string, column: string): boolean {
    return this.attributeRule('read', database, table, column) !== undefined
  }

  fillsColumn(database: string, table: string, column: string): boolean {
    return this.attributeRule('insert', database, table, column) !== undefined
  }

  #knowsTable(database: string, table: string): boolean {
    return this.#standing(database) !== undefined || this.#mayStructure(database) || this.#anyAction(database, table)
  }

  #knowsColumn(database: string, table: string, column: string): boolean {
    if (this.#mayStructure(database)) return true
    return (['read', 'insert', 'update'] as const).some((action) => this.attributeRule(action, database, table, column))
  }

  #standing(database: string): 'owner' | ShareLevel | undefined {
    const { only, standing } = this.#options
    return only && !only.has(database) ? undefined : standing(database)
  }

  #share(action: TableAction, database: string): Rule | undefined {
    const standing = this.#standing(database)
    if (standing === 'owner') return 'owner'
    if (standing === 'write') return 'shared for writing'
    return standing === 'read' && action === 'read' ? 'shared for reading' : undefined
  }

  #grant(database: string, table: string): TableGrant | undefined {
    const { grants, only, isEarlier } = this.#options
    const grant = only && !only.has(database) ? undefined : grants.tables.get(database)?.get(table)
    return grant && !isEarlier?.(database) ? grant : undefined
  }

  /** Structure rights without the right to make new databases, which says nothing about those that exist. */
  #mayStructure(database: string): boolean {
    const { grants, only, isEarlier } = this.#options
    if (only && !only.has(database)) return false
    return grants.structure === true || (grants.structure.has(database) && !isEarlier?.(database))
  }

  #anyAction(database: string, table: string): boolean {
    const grant = this.#grant(database, table)
    return grant !== undefined && (grant.read || grant.insert || grant.update || grant.delete)
  }

  #knowsAttribute(database: string, table: string, attribute: string): boolean {
    const own = this.#grant(database, table)?.attributes?.get(attribute)
    return own !== undefined && (own.read || own.insert || own.update)
  }

  /** The primary key needs no entry of its own: it may be used wherever some attribute may. */
  #inherits(grant: TableGrant, action: AttributeAction, database: string, table: string, attribute: string): boolean {
    if (this.#options.structure.table(database, table)?.primaryKey !== attribute) return false
    for (const other of grant.attributes!.values()) if (other[action]) return true
    return false
  }
}

/** The refusal of what a role does not allow, in the shape that HarperDB's clients know. */
export function forbidden(unauthorizedAccess: unknown[], invalidSchemaItems: string[]): Problem {
  return new Problem(
    'forbidden',
    {},
    { unauthorized_access: unauthorizedAccess, invalid_schema_items: invalidSchemaItems },
  )
}
