import type { TableAction } from '../lib/index.js'

/** What a role grants on one attribute. */
interface AttributeGrant {
  read: boolean
  insert: boolean
  update: boolean
}

/** What a role grants on one table. Without attributes, what holds for the table holds for all of them. */
export interface TableGrant extends Record<TableAction, boolean> {
  attributes: ReadonlyMap<string, AttributeGrant> | undefined
}

/** A role's permission JSON, read once for fast questions. */
export interface Grants {
  superUser: boolean
  /** Databases whose structure may be changed: all of them, or these. */
  structure: true | ReadonlySet<string>
  /** Whether databases may be made, which the maker then owns. */
  createDatabase: boolean
  tables: ReadonlyMap<string, ReadonlyMap<string, TableGrant>>
}

/** Names in a permission JSON that are not databases. */
export const MAIN_PERMISSIONS = ['super_user', 'structure_user', 'cluster_user', 'create_database'] as const

export const noGrants: Grants = { superUser: false, structure: new Set(), createDatabase: false, tables: new Map() }

type Json = Record<string, unknown>

/** Reads a permission JSON that was checked by `faultsOfPermission`. */
export function grantsOf(permission: Json): Grants {
  const structure = permission['structure_user']
  const tables = new Map<string, ReadonlyMap<string, TableGrant>>()
  for (const [database, value] of Object.entries(permission)) {
    if ((MAIN_PERMISSIONS as readonly string[]).includes(database)) continue
    const granted = Object.entries((value as Json)['tables'] ?? {})
    tables.set(database, new Map(granted.map(([table, grant]) => [table, tableGrant(grant as Json)])))
  }
  return {
    superUser: permission['super_user'] === true,
    structure: structure === true ? true : new Set(Array.isArray(structure) ? (structure as string[]) : []),
    createDatabase: permission['create_database'] === true,
    tables,
  }
}

function tableGrant(grant: Json): TableGrant {
  const attributes = (grant['attribute_permissions'] ?? undefined) as Json[] | undefined
  return {
    read: grant['read'] === true,
    insert: grant['insert'] === true,
    update: grant['update'] === true,
    delete: grant['delete'] === true,
    attributes:
      attributes === undefined || attributes.length === 0
        ? undefined
        : new Map(
            attributes.map((attribute) => [
              attribute['attribute_name'] as string,
              {
                read: attribute['read'] === true,
                insert: attribute['insert'] === true,
                update: attribute['update'] === true,
              },
            ]),
          ),
  }
}
