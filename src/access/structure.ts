/** What access must know of the databases that there are. */
export interface Structure {
  /** The database of that name, if there is one. */
  database(database: string): { readonly createdAt: number } | undefined
  /** The table of that name, if there is one. */
  table(
    database: string,
    table: string,
  ): { readonly primaryKey: string; readonly columns: Iterable<{ readonly name: string }> } | undefined
}
