import { Problem } from '../lib/index.js'
import { MAIN_PERMISSIONS } from './grants.js'
import type { Structure } from './structure.js'

type Json = Record<string, unknown>

/** Everything that is wrong with a permission JSON, in HarperDB's two lists. */
interface Faults {
  main_permissions: string[]
  /** By `database_table`. */
  schema_permissions: Record<string, string[]>
}

const TABLE_KEYS = ['read', 'insert', 'update', 'delete']
const ATTRIBUTE_KEYS = ['read', 'insert', 'update']

/** Throws `invalid_permission` with every fault of a role's permission JSON. */
export function checkPermission(permission: Json, structure: Structure): void {
  const faults: Faults = { main_permissions: mainFaults(permission), schema_permissions: {} }
  for (const [database, value] of Object.entries(permission)) {
    if ((MAIN_PERMISSIONS as readonly string[]).includes(database)) continue
    if (!structure.database(database)) {
      faults.main_permissions.push(`database '${database}' does not exist`)
      continue
    }
    databaseFaults(database, value, structure, faults)
  }
  if (faults.main_permissions.length > 0 || Object.keys(faults.schema_permissions).length > 0)
    throw new Problem('invalid_permission', {}, { ...faults })
}

function mainFaults(permission: Json): string[] {
  const faults: string[] = []
  for (const name of ['super_user', 'cluster_user', 'create_database'])
    if (Object.hasOwn(permission, name) && typeof permission[name] !== 'boolean')
      faults.push(`Value for '${name}' permission must be a boolean`)
  const structure = permission['structure_user']
  const names = Array.isArray(structure) && structure.every((name) => typeof name === 'string')
  if (structure !== undefined && typeof structure !== 'boolean' && !names)
    faults.push("Value for 'structure_user' permission must be a boolean or an array of database names")
  if (permission['super_user'] === true && Object.keys(permission).length > 1)
    faults.push("Roles with 'super_user' set to true cannot have other permissions set.")
  return faults
}

function databaseFaults(database: string, value: unknown, structure: Structure, faults: Faults): void {
  if (!isObject(value)) {
    faults.main_permissions.push(`Value for database '${database}' must be an object`)
    return
  }
  for (const key of Object.keys(value))
    if (key !== 'tables')
      faults.main_permissions.push(`Invalid key '${key}' in the permissions of database '${database}'`)
  const tables = value['tables'] ?? {}
  if (!isObject(tables)) {
    faults.main_permissions.push(`Value for 'tables' of database '${database}' must be an object`)
    return
  }
  for (const [table, grant] of Object.entries(tables)) {
    const schema = structure.table(database, table)
    if (!schema) {
      faults.main_permissions.push(`Table '${database}.${table}' does not exist`)
      continue
    }
    const columns = new Set([...schema.columns].map(({ name }) => name))
    const found = isObject(grant)
      ? [...tableFaults(database, table, grant, columns.add(schema.primaryKey))]
      : [`Permissions of table '${database}.${table}' must be an object`]
    if (found.length > 0) faults.schema_permissions[`${database}_${table}`] = found
  }
}

function* tableFaults(database: string, table: string, grant: Json, columns: ReadonlySet<string>): Generator<string> {
  for (const key of Object.keys(grant))
    if (!TABLE_KEYS.includes(key) && key !== 'attribute_permissions')
      yield `Invalid table permission key value '${key}'`
  for (const key of TABLE_KEYS) {
    const name = key.toUpperCase()
    if (!Object.hasOwn(grant, key)) yield `Missing table ${name} permission`
    else if (typeof grant[key] !== 'boolean') yield `Table ${name} permission must be a boolean`
  }
  const attributes = grant['attribute_permissions']
  if (attributes === undefined) {
    yield "Missing 'attribute_permissions' array"
    return
  }
  if (attributes === null) return
  if (!Array.isArray(attributes)) {
    yield `Value for 'attribute_permissions' permission for table '${database}.${table}' must be an array`
    return
  }
  const named = new Set<unknown>()
  for (const attribute of attributes) {
    yield* isObject(attribute)
      ? attributeFaults(attribute, columns)
      : ["Every entry of 'attribute_permissions' must be an object"]
    const name = isObject(attribute) ? attribute['attribute_name'] : undefined
    if (typeof name === 'string' && named.has(name)) yield `Attribute '${name}' stands in 'attribute_permissions' twice`
    named.add(name)
  }
  const conflict = ATTRIBUTE_KEYS.some(
    (key) => grant[key] === false && attributes.some((attribute) => isObject(attribute) && attribute[key] === true),
  )
  if (conflict)
    yield `You have a conflict with TABLE permissions for '${database}.${table}' being false and ATTRIBUTE permissions being true`
}

function* attributeFaults(attribute: Json, columns: ReadonlySet<string>): Generator<string> {
  const name = attribute['attribute_name']
  if (typeof name !== 'string') {
    yield "Permission object in 'attribute_permissions' missing an 'attribute_name'"
    return
  }
  if (!columns.has(name)) yield `Invalid attribute '${name}' in 'attribute_permissions'`
  for (const key of Object.keys(attribute))
    if (!ATTRIBUTE_KEYS.includes(key) && key !== 'attribute_name' && key !== 'delete')
      yield `Invalid attribute permission key '${key}'`
  for (const key of ATTRIBUTE_KEYS) {
    const action = key.toUpperCase()
    if (!Object.hasOwn(attribute, key)) yield `${action} attribute permission missing for '${name}'`
    else if (typeof attribute[key] !== 'boolean') yield `${action} attribute permission for '${name}' must be a boolean`
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
