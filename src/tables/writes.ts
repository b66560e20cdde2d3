import { Problem, type View } from '../lib/index.js'
import type { Batch } from './batch.js'
import type { Key, Row } from './reader.js'
import type { Author, Tables } from './tables.js'
import { conditionOf, keysWhere, type LookingLimits, testOf } from './where-writes.js'

type Given = Readonly<Record<string, unknown>>

/** A caller: who writes, what they see, and until when they wait. */
export interface Writer extends Author {
  readonly view: View
  readonly signal: AbortSignal
}

interface TableName {
  database: string
  table: string
}

interface Conditions {
  atomic?: boolean | undefined
  /** Compare and set: a `where` that every stored record must meet. */
  if?: unknown
}

export interface InsertRequest extends TableName {
  records: readonly Given[]
  atomic?: boolean | undefined
}

export interface UpsertRequest extends TableName, Pick<Conditions, 'if'> {
  records: readonly Given[]
}

/** Either records with their keys, or one set of attributes for the records that `ids` or `where` name. */
export interface UpdateRequest extends TableName, Conditions {
  records?: readonly Given[] | undefined
  set?: Given | undefined
  ids?: readonly unknown[] | undefined
  where?: unknown
}

export interface DeleteRequest extends TableName, Conditions {
  ids?: readonly unknown[] | undefined
  where?: unknown
}

/** Where the answer of a write stands when it is given. */
const durability = 'disk' as const
type Durable = { durability: typeof durability }

export type Inserted = { message: string; inserted_hashes: Key[]; skipped_hashes: Key[] } & Durable
export type Updated = { message: string; update_hashes: Key[]; skipped_hashes: Key[] } & Durable
export type Upserted = { message: string; upserted_hashes: Key[] } & Durable
export type Deleted = { message: string; deleted_hashes: Key[]; skipped_hashes: Key[] } & Durable

/** One step of a transaction: a write request with its operation. */
export type Step = { operation: 'insert' | 'update' | 'upsert' | 'delete' } & Omit<UpdateRequest, 'database'>
export type StepAnswer = { operation: Step['operation']; table: string } & (Inserted | Updated | Upserted | Deleted)

/** The writes of the operations API over `Tables`: requests in, answers in HarperDB's shapes out. */
export class Writes {
  readonly #tables: Tables
  readonly #limits: LookingLimits

  constructor(tables: Tables, limits: LookingLimits) {
    this.#tables = tables
    this.#limits = limits
  }

  insert(request: InsertRequest, writer: Writer): Promise<Inserted> {
    return this.#tables.transact(writer, (batch) => this.#insert(batch, request))
  }

  upsert(request: UpsertRequest, writer: Writer): Promise<Upserted> {
    return this.#tables.transact(writer, (batch) => this.#upsert(batch, request, writer))
  }

  async update(request: UpdateRequest, writer: Writer): Promise<Updated> {
    const { database, table, where } = request
    const keys = where === undefined ? undefined : await this.#keysWhere({ database, table, where }, writer)
    return await this.#tables.transact(writer, (batch) => this.#update(batch, request, writer, keys))
  }

  async delete(request: DeleteRequest, writer: Writer): Promise<Deleted> {
    const { database, table, where } = request
    const keys = where === undefined ? undefined : await this.#keysWhere({ database, table, where }, writer)
    return await this.#tables.transact(writer, (batch) => this.#delete(batch, request, writer, keys))
  }

  /** Makes the table hold exactly these records, in one transaction. */
  replaceRecords(
    { database, table, records }: InsertRequest,
    writer: Writer,
  ): Promise<{ message: string; replaced_hashes: Key[] } & Durable> {
    return this.#tables.transact(writer, (batch) => {
      const { done } = batch.replaceAll(database, table, records)
      return { message: `${table} holds ${count(done)} now`, replaced_hashes: done, durability }
    })
  }

  /**
   * Several writes, all or nothing. A step refers to a key of an earlier one by `{"$key": [step, record]}` where a value
   * of a record, of `set` or an id stands.
   */
  transaction(
    { database, operations }: { database: string; operations: readonly Step[] },
    writer: Writer,
  ): Promise<{ message: string; results: StepAnswer[] } & Durable> {
    return this.#tables.transact(writer, (batch) => {
      const results: StepAnswer[] = []
      const keys: Key[][] = []
      for (const [index, step] of operations.entries()) {
        const answer = this.#step(batch, { atomic: true, ...resolve(step, keys, index), database }, writer)
        results.push({ ...answer, operation: step.operation, table: step.table })
        keys.push(keysOf(answer))
      }
      return { message: `${results.length} operations are done`, results, durability }
    })
  }

  #step(batch: Batch, step: Step & { database: string }, writer: Writer) {
    if (step.where !== undefined) return this.#stepWhere(batch, step, writer)
    if (step.operation === 'update') return this.#update(batch, step, writer, undefined)
    if (step.operation === 'delete') return this.#delete(batch, step, writer, undefined)
    const { records } = step
    if (!records) throw new Problem('invalid_request', { reason: `'records' is required for ${step.operation}` })
    return step.operation === 'insert'
      ? this.#insert(batch, { ...step, records })
      : this.#upsert(batch, { ...step, records }, writer)
  }

  /** Inside a transaction the records are looked for in what the steps before have left. */
  #stepWhere(batch: Batch, step: Step & { database: string }, writer: Writer) {
    const reader = batch.reader(step.database, step.table)
    const test = testOf(reader, writer.view, step.where, this.#limits)
    const keys: Key[] = []
    for (const row of reader.scan()) if (test(row)) keys.push(row[reader.schema.primaryKey] as Key)
    return step.operation === 'delete'
      ? this.#delete(batch, step, writer, keys)
      : this.#update(batch, step, writer, keys)
  }

  #insert(batch: Batch, { database, table, records, atomic }: InsertRequest): Inserted {
    const { done, skipped } = batch.insert(database, table, records, { atomic })
    const message = `inserted ${done.length} of ${count(records)}`
    return { message, inserted_hashes: done, skipped_hashes: skipped, durability }
  }

  #upsert(batch: Batch, { database, table, records, if: where }: UpsertRequest, { view }: Writer): Upserted {
    const condition = conditionOf(batch, { database, table, where }, view, this.#limits)
    const { done } = batch.upsert(database, table, records, { condition })
    return { message: `upserted ${done.length} of ${count(records)}`, upserted_hashes: done, durability }
  }

  #update(batch: Batch, request: UpdateRequest, { view }: Writer, found: Key[] | undefined): Updated {
    const { database, table, set, ids, where } = request
    const answer = (done: Key[], skipped: Key[], of: number): Updated => {
      const message = `updated ${done.length} of ${of} records`
      return { message, update_hashes: done, skipped_hashes: skipped, durability }
    }
    if (found && set) {
      const test = testOf(batch.reader(database, table), view, where, this.#limits)
      const done = batch.updateWhere(database, table, found, test, set)
      return answer(done, [], done.length)
    }
    const condition = conditionOf(batch, { database, table, where: request.if }, view, this.#limits)
    const options = { condition, atomic: request.atomic }
    const { primaryKey } = batch.reader(database, table).schema
    if (ids && set) {
      const keys = ids.map((id) => batch.keyFor(batch.reader(database, table).schema, id))
      if (keys.length === 1 && set[primaryKey] !== undefined && !condition) {
        const done = batch.updateWhere(database, table, keys, () => true, set)
        return answer(done, done.length === 1 ? [] : keys, 1)
      }
      const records = keys.map((key) => ({ ...set, [primaryKey]: key }))
      const { done, skipped } = batch.update(database, table, records, options)
      return answer(done, skipped, records.length)
    }
    if (!request.records)
      throw new Problem('invalid_request', { reason: "'records' is required, or 'set' with 'ids' or 'where'" })
    const { done, skipped } = batch.update(database, table, request.records, options)
    return answer(done, skipped, request.records.length)
  }

  #delete(batch: Batch, request: DeleteRequest, { view }: Writer, found: Key[] | undefined): Deleted {
    const { database, table, ids, where, atomic } = request
    const answer = (done: Key[], skipped: Key[]): Deleted => {
      const of = done.length + skipped.length
      const message = `${done.length} of ${of} ${of === 1 ? 'record' : 'records'} successfully deleted`
      return { message, deleted_hashes: done, skipped_hashes: skipped, durability }
    }
    if (found) {
      const test = testOf(batch.reader(database, table), view, where, this.#limits)
      return answer(batch.deleteWhere(database, table, found, test), [])
    }
    if (!ids) throw new Problem('invalid_request', { reason: "'ids' is required, or 'where'" })
    const condition = conditionOf(batch, { database, table, where: request.if }, view, this.#limits)
    const { done, skipped } = batch.delete(database, table, ids, { atomic, condition })
    return answer(done, skipped)
  }

  async #keysWhere(target: TableName & { where: unknown }, writer: Writer): Promise<Key[]> {
    if (isEmpty(target.where))
      throw new Problem('invalid_request', {
        reason: "'where' must hold a condition; to change every record, say so with a condition that all of them meet",
      })
    const snapshot = this.#tables.snapshot()
    try {
      return await keysWhere(snapshot, target, writer, this.#limits)
    } finally {
      snapshot[Symbol.dispose]()
    }
  }
}

function count(items: readonly unknown[]): string {
  return `${items.length} records`
}

function isEmpty(where: unknown): boolean {
  return typeof where === 'object' && (where === null || Object.keys(where).length === 0)
}

function keysOf(answer: Inserted | Updated | Upserted | Deleted): Key[] {
  if ('inserted_hashes' in answer) return answer.inserted_hashes
  if ('update_hashes' in answer) return answer.update_hashes
  return 'upserted_hashes' in answer ? answer.upserted_hashes : answer.deleted_hashes
}

const REFERENCE = '$key'

/** The step with every `{"$key": [step, record]}` replaced by that key. */
function resolve(step: Step, keys: readonly Key[][], index: number): Step {
  const value = (given: unknown) => (isReference(given) ? keyAt(given[REFERENCE], keys, index) : given)
  const record = (given: Row): Row => {
    const refers = Object.values(given).some(isReference)
    return refers ? Object.fromEntries(Object.entries(given).map(([name, member]) => [name, value(member)])) : given
  }
  return {
    ...step,
    ...(step.records && { records: step.records.map(record) }),
    ...(step.set && { set: record(step.set) }),
    ...(step.ids && { ids: step.ids.map(value) }),
  }
}

function isReference(value: unknown): value is { [REFERENCE]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.hasOwn(value, REFERENCE) && Object.keys(value).length === 1
}

function keyAt(reference: unknown, keys: readonly Key[][], index: number): Key {
  const [step, record] = Array.isArray(reference) ? (reference as unknown[]) : []
  const key = typeof step === 'number' && typeof record === 'number' ? keys[step]?.[record] : undefined
  if (key === undefined)
    throw new Problem('reference_unknown', { index, reference: JSON.stringify(reference).slice(0, 100) })
  return key
}
