import type { TableSchema } from '../catalog/index.js'
import { Problem, type Steps, show } from '../lib/index.js'
import { encodeValue, isKeyValue, type WriteTransaction } from '../storage/index.js'
import type { BatchContext } from './batch.js'
import { entriesOfValue, keyOfEntry } from './layout.js'
import type { NotedChanges } from './noted-changes.js'
import { placeOf } from './places.js'
import type { Key, Row } from './reader.js'
import { type Child, childrenOf } from './relations.js'
import { type Named, RevealingProblem } from './revealing.js'
import type { Place, RowWriter } from './row-writer.js'
import { shapeOf, type TableShape } from './shape.js'

/** A referred value that is going away or becoming another one. */
interface Departure {
  child: Child
  value: unknown
  /** The new value, or undefined when the parent is deleted. */
  now: unknown
}

/** A record that others may refer to, as it was and as it is since; undefined when it is deleted. */
interface Departed {
  readonly shape: TableShape
  readonly before: Row
  after: Row | undefined
}

/** A record as it was written, whose parents are checked when all is written. */
interface Arrival {
  place: Place
  row: Row
}

/** What a record does that follows another one. */
export interface Follower {
  remove(place: Place, before: Row): void
  /** Sets attributes; answers the key of the record then. */
  change(place: Place, before: Row, set: Row): Key
}

export interface ForeignKeysOptions {
  context: BatchContext
  transaction: WriteTransaction
  writer: RowWriter
  noted: NotedChanges
  follower: Follower
}

/** Keeps what refers to what within a batch: carries changes along foreign keys, and checks them, when all is written. */
export class ForeignKeys {
  readonly #context: BatchContext
  readonly #transaction: WriteTransaction
  readonly #writer: RowWriter
  readonly #noted: NotedChanges
  readonly #follower: Follower
  #departed: Departed[] = []
  /** Those that are still there, by their places: a record that changes twice has departed once. */
  readonly #departedTo = new Map<string, Departed>()
  #arrivals: Arrival[] = []
  #carried = 0

  constructor({ context, follower, noted, transaction, writer }: ForeignKeysOptions) {
    this.#context = context
    this.#transaction = transaction
    this.#writer = writer
    this.#noted = noted
    this.#follower = follower
  }

  /** Takes note of a record as it was written, whose parents must be there. */
  arrive(place: Place, row: Row): void {
    if (place.shape.schema.foreignKeys.length > 0) this.#arrivals.push({ place, row })
  }

  /** Counts a record that goes or changes without being named. @throws Problem batch_too_large */
  carry(): void {
    const { cascade_records_max: limit } = this.#context.settings
    if (++this.#carried > limit) throw tooLarge(limit)
  }

  /** Takes note of values that others may refer to and that are not there any more. */
  depart(shape: TableShape, before: Row, after: Row | undefined): void {
    const children = this.#childrenOf(shape)
    if (children.length === 0) return
    const place = placeKeyOf(shape, before)
    let departed = this.#departedTo.get(place)
    if (!departed) {
      if (children.every(({ foreignKey: { references } }) => Object.is(before[references], after?.[references]))) return
      departed = { shape, before, after }
      this.#departed.push(departed)
    }
    departed.after = after
    this.#departedTo.delete(place)
    if (after) this.#departedTo.set(placeKeyOf(shape, after), departed)
  }

  #childrenOf({ schema: { database, name } }: TableShape): readonly Child[] {
    return childrenOf(this.#context.catalog.draft.databases.get(database)!, name)
  }

  /** The values that have gone since this was asked last. */
  #takeDepartures(): Departure[] {
    const departures: Departure[] = []
    for (const { shape, before, after } of this.#departed) {
      for (const child of this.#childrenOf(shape)) {
        const value = before[child.foreignKey.references]
        const now = after?.[child.foreignKey.references]
        if (value === null || value === undefined || Object.is(value, now)) continue
        departures.push({ child, value, now: after ? (now ?? null) : undefined })
      }
    }
    this.#departed = []
    this.#departedTo.clear()
    return departures
  }

  /**
   * Ends an operation. Records `as given` must have their parents among those that are left, instead of losing them with
   * what the operation deletes.
   */
  *settle(records?: 'as given'): Steps<void> {
    const given = this.#arrivals
    this.#arrivals = []
    if (this.#departed.length > 0) yield* this.#carryOn()
    if (given.length > 0) yield* this.#checkArrivals(given, records === 'as given')
    const followed = this.#arrivals
    this.#arrivals = []
    if (followed.length > 0) yield* this.#checkArrivals(followed, false)
  }

  /** Carries changes along until nothing follows any more. */
  *#carryOn(): Steps<void> {
    const restricted: Departure[] = []
    this.#noted.append()
    for (let wave = this.#takeDepartures(); wave.length > 0; wave = this.#takeDepartures()) {
      const carried: Departure[] = []
      for (const departure of wave) (actionOf(departure) === 'restrict' ? restricted : carried).push(departure)
      // All are looked up before any is changed: where two parents swap values, so do their children.
      const followers: { departure: Departure; place: Place }[] = []
      for (const departure of carried) {
        yield
        for (const place of this.#referring(departure)) followers.push({ departure, place })
      }
      for (const { departure, place } of followers) {
        yield
        this.#follow(departure, place)
      }
    }
    for (const departure of restricted) {
      yield
      this.#checkUnreferred(departure)
    }
  }

  /** Where the records stand that refer to the value. */
  #referring({ child, value }: Departure): Place[] {
    if (!isKeyValue(value)) return []
    const shape = shapeOf(this.#context.catalog.draftTable(child.schema.database, child.schema.name))
    const column = shape.columns.get(child.foreignKey.column)!
    const entries = this.#transaction.keys(this.#context.spaces.indexes, entriesOfValue(column.column.id, value))
    const places = entries.map((entry) => placeOf(shape, keyOfEntry(entry), 0))
    return places.filter((place) => {
      const stored = this.#writer.stored(place)
      return stored !== undefined && this.#writer.decode(shape, stored)[column.column.name] === value
    })
  }

  #follow(departure: Departure, place: Place): void {
    this.carry()
    const stored = this.#writer.stored(place)
    if (stored === undefined) return
    this.#noted.beginFollower(place)
    const before = this.#writer.decode(place.shape, stored)
    const { child, now } = departure
    const action = actionOf(departure)
    if (action === 'cascade' && now === undefined) {
      this.#follower.remove(place, before)
      return
    }
    const { column } = child.foreignKey
    const value = action === 'cascade' ? now : null
    const target = place.shape.columns.get(column)!.column
    if (value === null && target.notNull) throw referred(departure)
    const key = this.#follower.change(place, before, { [column]: value })
    if (key !== place.key) this.#noted.beginFollower(placeOf(place.shape, key, 0))
  }

  /** A restricted value may go when nobody refers to it in the end, or when another record has it again. */
  #checkUnreferred(departure: Departure): void {
    const { child, value } = departure
    if (this.#hasParent(child.schema, child.foreignKey, value)) return
    if (this.#referring(departure).length > 0) throw referred(departure)
  }

  *#checkArrivals(arrivals: readonly Arrival[], areFinal: boolean): Steps<void> {
    for (const arrival of arrivals) {
      yield
      this.#checkParents(arrival, areFinal)
    }
  }

  #checkParents({ place, row }: Arrival, isFinal: boolean): void {
    const { shape, index } = place
    for (const foreignKey of shape.schema.foreignKeys) {
      const { column, table, references } = foreignKey
      const value = row[column]
      if (value === null || value === undefined) continue
      if (!isKeyValue(value)) {
        const what = Array.isArray(value) ? 'a list' : 'an object'
        const reason = `'${column}' names a record of '${table}', which ${what} cannot`
        const instead = `records[${index}]: it refers to a record by ${what}, which cannot name one`
        throw new RevealingProblem('record_invalid', { index, reason }, namesOf(shape.schema, foreignKey), instead)
      }
      if (this.#hasParent(shape.schema, foreignKey, value)) continue
      if (!isFinal && this.#hasMovedOn(place, column, value)) continue
      throw new RevealingProblem(
        'parent_missing',
        { index, column, value: show(value), parent: `${table}.${references}` },
        namesOf(shape.schema, foreignKey),
        `records[${index}]: it refers to ${show(value)}, which does not exist in a table that you may not see`,
      )
    }
  }

  /** Whether the record has another value since, or is gone: with its parent, which it followed. Then that was checked. */
  #hasMovedOn(place: Place, column: string, value: unknown): boolean {
    const stored = this.#writer.stored(place)
    return stored === undefined || this.#writer.decode(place.shape, stored)[column] !== value
  }

  #hasParent({ database }: TableSchema, { table, references }: Child['foreignKey'], value: unknown): boolean {
    const parent = shapeOf(this.#context.catalog.draftTable(database, table))
    if (references !== parent.schema.primaryKey)
      return this.#writer.ownerOf(parent.columns.get(references)!, value) !== undefined
    if (typeof value !== 'string' && typeof value !== 'number') return false
    return this.#transaction.get(this.#context.spaces.records, parent.prefix + encodeValue(value)) !== undefined
  }
}

function placeKeyOf({ prefix, schema }: TableShape, row: Row): string {
  return prefix + encodeValue(row[schema.primaryKey] as Key)
}

function actionOf({ child, now }: Departure) {
  return now === undefined ? child.foreignKey.onDelete : child.foreignKey.onUpdate
}

function referred({ child: { schema, foreignKey }, value }: Departure): Problem {
  const { column, table, references } = foreignKey
  const { database, name: child } = schema
  return new RevealingProblem(
    'record_referenced',
    { child, column, value: show(value), parent: `${table}.${references}` },
    [...namesOf(schema, foreignKey), { database, table, column: references, read: true }],
    'Something that you may not see refers to the record, and its foreign key restricts the change',
  )
}

/** What is named with a foreign key. */
function namesOf({ database, name }: TableSchema, { column, table, references }: Child['foreignKey']): Named[] {
  return [
    { database, table: name, column },
    { database, table, column: references },
  ]
}

export function tooLarge(limit: number): Problem {
  return new Problem('batch_too_large', { limit, setting: 'tables.cascade_records_max' })
}
