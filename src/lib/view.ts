import { Problem } from './problem.js'

/** What a caller may read. What is not seen is unknown to the caller: planners answer as if it did not exist. */
export interface View {
  seesTable(database: string, table: string): boolean
  seesColumn(database: string, table: string, column: string): boolean
}

/** The view of super users and of the node itself. */
export const everything: View = { seesTable: () => true, seesColumn: () => true }

/** What may be done to the records of a table. */
export type TableAction = 'read' | 'insert' | 'update' | 'delete'

/** What a caller may do, for operations that touch more than the target which the dispatcher has checked. */
export interface Rights {
  /**
   * Throws `forbidden` unless every action is allowed on the table, and, for insert and update, on the attributes that
   * are written. A table that the caller may not know of is reported as one that does not exist.
   */
  require(actions: readonly TableAction[], database: string, table: string, attributes?: Iterable<string>): void
  /** Throws `forbidden` unless the caller may make, change and drop tables of the database, or the database itself. */
  requireStructure(database: string): void
  /** Whether the caller may fill a column of a table with what is inserted. */
  fillsColumn(database: string, table: string, column: string): boolean
  /** What the caller may know of, for descriptions: some right on a table or column is enough, not only reading. */
  readonly known: View
  /** Whether the caller may know that the database is there: some right on it, or on one of its tables. */
  knowsDatabase(database: string): boolean
}

/** Whether the caller may make, change and drop tables of the database. */
export function mayChangeStructure(rights: Rights, database: string): boolean {
  try {
    rights.requireStructure(database)
    return true
  } catch (error) {
    if (error instanceof Problem) return false
    throw error
  }
}

/** The rights of super users and of the node itself. */
export const allRights: Rights = {
  require: () => {},
  requireStructure: () => {},
  fillsColumn: () => true,
  known: everything,
  knowsDatabase: () => true,
}
