/** What a caller may read. What is not seen is unknown to the caller: planners answer as if it did not exist. */
export interface View {
  seesTable(database: string, table: string): boolean
  seesColumn(database: string, table: string, column: string): boolean
}

/** The view of super users and of the node itself. */
export const everything: View = { seesTable: () => true, seesColumn: () => true }
