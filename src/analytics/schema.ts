import type { ColumnType } from '../pyql/index.js'

/** A column of an event table; `id` is never given again, so that a column dropped and added again starts empty. */
export interface EventColumn {
  readonly id: number
  readonly name: string
  readonly type: ColumnType
  readonly isSet: boolean
}

/** An event table as the store knows it. Replaced whole when its columns change; `version` tells which is newer. */
export interface EventTable {
  readonly id: number
  readonly version: number
  readonly partitions: number
  /** Actions in the order in which events of one stamp are kept; what is not listed comes after. */
  readonly zOrder: readonly string[]
  /** Person ids are compared in lower case. */
  readonly foldCase: boolean
  readonly columns: readonly EventColumn[]
}

/**
 * Column ids of what every event has; columns of the catalog count up from 1 and never come near. ROWS is the number of
 * rows of each person of a block, LAST the stamp of the last one, STATS what the columns of a block hold.
 */
export const ROWS = 0xffffff00
export const STAMP = 0xffffff01
export const ACTION = 0xffffff02
export const PERSON = 0xffffff03
export const LAST = 0xffffff04
export const STATS = 0xffffff05

/** The name by which scripts and column queries know the action. */
export const ACTION_NAME = '__action'

/** How a column lies in memory: codes of texts, bytes of bools, doubles. */
export type Storage = 'text' | 'bool' | 'number'

export function storageOf(type: ColumnType): Storage {
  return type === 'text' ? 'text' : type === 'bool' ? 'bool' : 'number'
}

/** What people did: a column that every event table has beside those that it declares. */
export const ACTION_COLUMN: EventColumn = { id: ACTION, name: ACTION_NAME, type: 'text', isSet: false }

/** Ids of persons: texts and numbers, which are different even when they look the same. */
export type PersonId = string | number

/**
 * The partition of a person: FNV-1a over the UTF-16 units (numbers by their text, with a mark), so that every node and
 * every start agrees.
 */
export function partitionOf(person: PersonId, partitions: number): number {
  const text = typeof person === 'number' ? `#${person}` : person
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  hash ^= hash >>> 12
  return (hash >>> 0) % partitions
}

/** A column of a table, the action among them. */
export function columnOf(table: EventTable, name: string): EventColumn | undefined {
  return name === ACTION_NAME ? ACTION_COLUMN : table.columns.find((column) => column.name === name)
}
