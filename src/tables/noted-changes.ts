import type { TableSchema } from '../catalog/index.js'
import type { WriteTransaction } from '../storage/index.js'
import type { ChangeLog, LoggedOperation } from './change-log.js'
import type { Key } from './reader.js'
import type { Place } from './row-writer.js'
import type { Version } from './stored-row.js'

/** What the log will say of one kind of change to one table. */
interface Noted {
  operation: LoggedOperation
  schema: TableSchema
  keys: Key[]
  records: string[]
}

/** What a batch has done and the log does not say yet: one entry for all that is done alike to a table. */
export class NotedChanges {
  readonly #log: ChangeLog
  readonly #transaction: WriteTransaction
  readonly #version: Version
  readonly #user: string
  #noted: Noted[] = []
  /** Where the records stand that have followed others since what is noted began. */
  #followed: Set<string> | undefined

  constructor(log: ChangeLog, transaction: WriteTransaction, version: Version, user: string) {
    this.#log = log
    this.#transaction = transaction
    this.#version = version
    this.#user = user
  }

  /** @param text JSON of the record; undefined where it was deleted */
  add(operation: LoggedOperation, { shape, key }: Place, text: string | undefined): void {
    const { schema } = shape
    let noted = this.#noted.find((one) => one.operation === operation && one.schema.id === schema.id)
    if (!noted) this.#noted.push((noted = { operation, schema, keys: [], records: [] }))
    noted.keys.push(key)
    if (text !== undefined) noted.records.push(text)
  }

  /** A record that is about to follow another: where it has done so before, new entries begin. */
  beginFollower({ shape, encodedKey }: Place): void {
    const at = shape.prefix + encodedKey
    if (this.#followed?.has(at)) this.append()
    this.#followed ??= new Set()
    this.#followed.add(at)
  }

  /** Writes the entries. */
  append(): void {
    for (const noted of this.#noted) this.#append(noted)
    this.#noted = []
    this.#followed = undefined
  }

  #append({ operation, schema, keys, records }: Noted): void {
    const { time, origin } = this.#version
    const { database, name: table, id: tableId } = schema
    const seen = this.#log.seen(schema)
    const change = { time, origin, user: this.#user, operation, database, table, tableId, seen, keys, records }
    this.#log.append(this.#transaction, change)
  }
}
