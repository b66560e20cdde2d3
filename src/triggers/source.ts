import type { PersonId, Reactions, ReactProgram } from '../analytics/index.js'
import type { Program } from '../pyql/index.js'

/** Event tables as triggers see them. Tables are known by their ids; a table made anew has a new one. */
export interface TriggerSource {
  /** The id of an event table. @throws Problem table_not_found, table_not_events */
  tableId(database: string, table: string): number
  /** Whether the table is still there. */
  isTable(database: string, table: string, id: number): boolean
  /** The program of a script for the table as it is now. @throws Problem script_invalid, script_limit */
  compile(database: string, table: string, script: string): Program
  /** Notes inserts into a table from now on, or no longer. */
  watch(database: string, table: string, watched: boolean): Promise<void>
  /** Runs triggers for the people of inserts that were not given back to `reacted`, or for some people. */
  react(
    database: string,
    table: string,
    programs: readonly ReactProgram[],
    options: { arrivalsMax: number; messageCharactersMax: number; people?: readonly PersonId[] },
  ): Promise<Reactions>
  reacted(seen: Reactions['seen']): Promise<void>
  /** Calls back after every insert with the id of the table. */
  onInsert(listener: (tableId: number) => void): void
}
