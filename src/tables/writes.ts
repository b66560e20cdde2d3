import { merged, Problem, type Steps, show, untilAborted } from '../lib/index.js'
import type { Batch, Meant } from './batch.js'
import type { Key, Row } from './reader.js'
import { type Told, toldTo } from './revealing.js'
import type { Author, Tables } from './tables.js'
import {
  candidates,
  checkCount,
  conditionOf,
  type Found,
  type LookingLimits,
  lookAhead,
  testOf,
} from './where-writes.js'

type Given = Readonly<Record<string, unknown>>

/** A caller: who writes, what they see, and until when they wait. */
export interface Writer extends Author, Told {
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
interface ByCondition extends TableName, Conditions {
  where?: unknown
  /** PYQL JSON: text in `where` that names a column stands for the column. */
  bare_columns?: boolean | undefined
}

export interface UpdateRequest extends ByCondition {
  records?: readonly Given[] | undefined
  set?: Given | undefined
  ids?: readonly unknown[] | undefined
}

export interface DeleteRequest extends ByCondition {
  ids?: readonly unknown[] | undefined
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
/** A step as requests write it: as the operation of its name by itself. */
type WrittenStep = Step & { hash_values?: Step['ids']; database?: string | undefined; schema?: string | undefined }
type WholeStep = Step & { database: string }
export type StepAnswer = { operation: Step['operation']; table: string } & (Inserted | Updated | Upserted | Deleted)

type Run<Answer> = (batch: Batch) => Steps<Answer>

/** The writes of the operations API over `Tables`: requests in, answers in HarperDB's shapes out. */
export class Writes {
  readonly #tables: Tables
  readonly #limits: LookingLimits

  constructor(tables: Tables, limits: LookingLimits) {
    this.#tables = tables
    this.#limits = limits
  }

  insert(request: InsertRequest, writer: Writer): Promise<Inserted> {
    const run = () => this.#transact(writer, request.records.length, (batch) => this.#insert(batch, request))
    return this.#tables.isSlow ? this.#fetch([request], writer).then(run) : run()
  }

  async upsert(request: UpsertRequest, writer: Writer): Promise<Upserted> {
    checkParts('upsert', request)
    if (this.#tables.isSlow) await this.#fetch([request], writer)
    return await this.#transact(writer, request.records.length, (batch) => this.#upsert(batch, request, writer))
  }

  async update(request: UpdateRequest, writer: Writer): Promise<Updated> {
    checkParts('update', request)
    const found = await this.#lookAhead(request, writer)
    if (this.#tables.isSlow) await this.#fetch([request], writer)
    return await this.#transact(writer, sizeOf(request, found), (batch) => this.#update(batch, request, writer, found))
  }

  async delete(request: DeleteRequest, writer: Writer): Promise<Deleted> {
    checkParts('delete', request)
    const found = await this.#lookAhead(request, writer)
    if (this.#tables.isSlow) await this.#fetch([request], writer)
    return await this.#transact(writer, sizeOf(request, found), (batch) => this.#delete(batch, request, writer, found))
  }

  /** Makes the table hold exactly these records, in one transaction. */
  replaceRecords(
    { database, table, records }: InsertRequest,
    writer: Writer,
  ): Promise<{ message: string; replaced_hashes: Key[] } & Durable> {
    return this.#transact(writer, records.length, function* (batch) {
      const { done } = yield* batch.replacingAll(database, table, records)
      return { message: `${table} holds ${count(done)} now`, replaced_hashes: done, durability }
    })
  }

  /**
   * Several writes, all or nothing. A step refers to a key of an earlier one by `{"$key": [step, record]}` where a value
   * of a record, of `set` or an id stands.
   */
  async transaction(
    { database, operations }: { database: string; operations: readonly WrittenStep[] },
    writer: Writer,
  ): Promise<{ message: string; results: StepAnswer[] } & Durable> {
    const steps = operations.map((step, index): WholeStep => wholeStep(step, database, index))
    for (const [index, step] of steps.entries()) {
      checkParts(step.operation, step)
      checkReferences(step, index)
    }
    const found: (Found | undefined)[] = []
    for (const [index, step] of steps.entries()) found.push(await this.#lookAheadOf(step, index > 0, writer))
    if (this.#tables.isSlow) await this.#fetch(steps, writer)
    const size = steps.reduce((sum, step, index) => sum + sizeOf(step, found[index]), 0)
    return await this.#transact(writer, size, (batch) => this.#transaction(batch, steps, found, writer))
  }

  *#transaction(batch: Batch, steps: readonly WholeStep[], found: readonly (Found | undefined)[], writer: Writer) {
    const results: StepAnswer[] = []
    const keys: (readonly Key[])[] = []
    for (const [index, step] of steps.entries()) {
      const answer = yield* inStep(index, this.#step(batch, resolve(step, keys, index), writer, found[index]))
      results.push({ ...answer, operation: step.operation, table: step.table })
      keys.push(batch.latest)
    }
    return { message: `${results.length} operations are done`, results, durability }
  }

  *#step(batch: Batch, step: WholeStep, writer: Writer, found: Found | undefined) {
    if (step.operation === 'update') return yield* this.#update(batch, step, writer, found)
    if (step.operation === 'delete') return yield* this.#delete(batch, step, writer, found)
    const records = step.records!
    return step.operation === 'insert'
      ? yield* this.#insert(batch, { ...step, records })
      : yield* this.#upsert(batch, { ...step, records }, writer)
  }

  *#insert(batch: Batch, { database, table, records, atomic }: InsertRequest): Steps<Inserted> {
    const { done, skipped } = yield* batch.inserting(database, table, records, { atomic })
    const message = `inserted ${done.length} of ${count(records)}`
    return { message, inserted_hashes: done, skipped_hashes: skipped, durability }
  }

  *#upsert(batch: Batch, { database, table, records, if: where }: UpsertRequest, { view }: Writer): Steps<Upserted> {
    const condition = conditionOf(batch, { database, table, where }, view, this.#limits)
    const { done } = yield* batch.upserting(database, table, records, { condition })
    return { message: `upserted ${done.length} of ${count(records)}`, upserted_hashes: done, durability }
  }

  *#update(batch: Batch, request: UpdateRequest, writer: Writer, found: Found | undefined): Steps<Updated> {
    const { database, table, set, ids } = request
    const answer = (done: Key[], skipped: Key[], of: number): Updated => {
      const message = `updated ${done.length} of ${of} records`
      return { message, update_hashes: done, skipped_hashes: skipped, durability }
    }
    if (request.where !== undefined && set) {
      const done = yield* batch.updatingWhere(yield* this.#meant(batch, request, writer, found), set)
      checkCount(done.length, this.#limits)
      return answer(done, [], done.length)
    }
    const condition = conditionOf(batch, { database, table, where: request.if }, writer.view, this.#limits)
    const options = { condition, atomic: request.atomic }
    const { primaryKey } = batch.reader(database, table).schema
    if (ids && set) {
      const keys = ids.map((id) => batch.keyFor(batch.reader(database, table).schema, id))
      if (Object.hasOwn(set, primaryKey)) {
        const { done, skipped } = yield* batch.moving(database, table, keys, set, options)
        return answer(done, skipped, keys.length)
      }
      const records = keys.map((key) => merged(set, { [primaryKey]: key }))
      const { done, skipped } = yield* batch.updating(database, table, records, options)
      return answer(done, skipped, records.length)
    }
    const records = request.records!
    const { done, skipped } = yield* batch.updating(database, table, records, options)
    return answer(done, skipped, records.length)
  }

  *#delete(batch: Batch, request: DeleteRequest, writer: Writer, found: Found | undefined): Steps<Deleted> {
    const { database, table, ids, where, atomic } = request
    const answer = (done: Key[], skipped: Key[]): Deleted => {
      const of = done.length + skipped.length
      const message = `${done.length} of ${of} ${of === 1 ? 'record' : 'records'} successfully deleted`
      return { message, deleted_hashes: done, skipped_hashes: skipped, durability }
    }
    if (where !== undefined) {
      const done = yield* batch.deletingWhere(yield* this.#meant(batch, request, writer, found))
      checkCount(done.length, this.#limits)
      return answer(done, [])
    }
    const condition = conditionOf(batch, { database, table, where: request.if }, writer.view, this.#limits)
    const { done, skipped } = yield* batch.deleting(database, table, ids!, { atomic, condition })
    return answer(done, skipped)
  }

  /** The records that `where` means in the state that the transaction has reached. */
  *#meant(batch: Batch, target: ByCondition, { view }: Writer, found: Found | undefined): Steps<Meant> {
    const { database, table, where } = target
    const limits = this.#limitsOf(target)
    const keys = yield* candidates(batch, target, view, limits, found)
    return { database, table, keys, test: testOf(batch.reader(database, table), view, where, limits) }
  }

  #limitsOf({ bare_columns: bareColumns }: ByCondition): LookingLimits {
    return bareColumns ? { ...this.#limits, bareColumns } : this.#limits
  }

  async #lookAhead(request: ByCondition, writer: Writer): Promise<Found | undefined> {
    const { database, table, where } = request
    if (where === undefined) return undefined
    return await lookAhead(this.#tables, { database, table, where }, writer, this.#limitsOf(request))
  }

  /** What an earlier step brings may be what makes the condition known: then the transaction looks for itself. */
  async #lookAheadOf(step: WholeStep, isLater: boolean, writer: Writer): Promise<Found | undefined> {
    try {
      return await this.#lookAhead(step, writer)
    } catch (error) {
      if (isLater && error instanceof Problem && error.code === 'column_unknown') return undefined
      throw error
    }
  }

  /** Brings the records that requests name into memory, as far as they are known before the transaction. */
  async #fetch(
    requests: readonly (TableName & Pick<UpdateRequest, 'records' | 'ids'>)[],
    { signal }: Writer,
  ): Promise<void> {
    for (const { records = [], ids, ...name } of requests) {
      const keyOf = (record: Given, key: string) => (Object.hasOwn(record, key) ? record[key] : undefined)
      const fetching = this.#tables.fetch(name, (key) => ids ?? records.map((record) => keyOf(record, key)), signal)
      if (fetching) await untilAborted(signal, fetching)
    }
  }

  async #transact<Answer>(writer: Writer, records: number, run: Run<Answer>): Promise<Answer> {
    try {
      return await this.#tables.transactInSteps(writer, new WriterPauses(records, this.#limits.slice_ms, writer), run)
    } catch (error) {
      throw toldTo(writer, error)
    }
  }
}

/** A signal costs a timer: it is made for those that pause. */
class WriterPauses {
  readonly records: number
  readonly slice_ms: number
  readonly #writer: Writer

  constructor(records: number, sliceMs: number, writer: Writer) {
    this.records = records
    this.slice_ms = sliceMs
    this.#writer = writer
  }

  get signal(): AbortSignal {
    return this.#writer.signal
  }
}

/** About how many records a request is about. */
function sizeOf({ records, ids }: Pick<UpdateRequest, 'records' | 'ids'>, found: Found | undefined): number {
  return found?.keys.size ?? records?.length ?? ids?.length ?? 0
}

type Part = 'records' | 'ids' | 'where' | 'set' | 'if'

/** The combinations that mean something; every other one would leave a part unread. */
const combinations: Record<Step['operation'], readonly (readonly Part[])[]> = {
  insert: [['records']],
  upsert: [['records'], ['records', 'if']],
  update: [['records'], ['records', 'if'], ['set', 'ids'], ['set', 'ids', 'if'], ['set', 'where']],
  delete: [['ids'], ['ids', 'if'], ['where']],
}

/** What each operation wants, for whoever gave something else. */
const wanted: Record<Step['operation'], string> = {
  insert: "'records' alone is for insert",
  upsert: "'records' is required for upsert, 'if' may stand beside it",
  update: "'records' is required, or 'set' with 'ids', or 'set' with 'where'; 'if' stands beside the first two only",
  delete: "'ids' is required, or 'where'; 'if' stands beside 'ids' only",
}

/** @throws Problem invalid_request */
function checkParts(operation: Step['operation'], request: Partial<Record<Part, unknown>>): void {
  const given = (['records', 'ids', 'where', 'set', 'if'] as const).filter((part) => request[part] !== undefined)
  const fits = (parts: readonly Part[]) => parts.length === given.length && parts.every((part) => given.includes(part))
  if (combinations[operation].some(fits)) {
    for (const part of ['where', 'if'] as const) if (request[part] !== undefined) checkFilled(part, request[part])
    return
  }
  const named = given.length === 0 ? 'none of them' : given.map((part) => `'${part}'`).join(', ')
  throw new Problem('invalid_request', { reason: `${wanted[operation]}: given is ${named}` })
}

/** @throws Problem invalid_request for another database, or keys that are given twice */
function wholeStep({ hash_values, schema, ...step }: WrittenStep, database: string, index: number): WholeStep {
  const refuse = (reason: string) => new Problem('invalid_request', { reason: `operations[${index}]: ${reason}` })
  for (const named of [step.database, schema])
    if (named !== undefined && named !== database)
      throw refuse(
        `a transaction is about one database, which is '${database}' and not '${named}'; name it beside them`,
      )
  if (hash_values && step.ids) throw refuse("'hash_values' and 'ids' are two names of one field; give one of them")
  return { atomic: true, ...step, ...(hash_values && { ids: hash_values }), database }
}

/** A problem of a step says which one it was: its own sentence counts the records of that step. */
function* inStep<T>(index: number, steps: Steps<T>): Steps<T> {
  try {
    return yield* steps
  } catch (error) {
    if (error instanceof Problem) error.more['step'] = index
    throw error
  }
}

function count(items: readonly unknown[]): string {
  return `${items.length} records`
}

const everyRecord = {
  where: 'to change every record, say so with a condition that all of them meet',
  if: "to change records whatever they hold, leave 'if' out",
}

/**
 * What is empty anywhere in a condition holds for every record, or takes what stands beside it away. Behind it is a
 * value that the caller did not have: JSON leaves out what is undefined. @throws Problem invalid_request
 */
function checkFilled(part: 'where' | 'if', condition: unknown): void {
  const where = holdsEmpty(condition)
    ? ', and in each of its groups'
    : isAlways(true, condition) && ': no value is in []'
  if (!where) return
  const reason = `'${part}' must hold a condition${where}; ${everyRecord[part]}`
  throw new Problem('invalid_request', { reason })
}

function holdsEmpty(group: unknown): boolean {
  if (typeof group !== 'object' || group === null) return group === null
  const members = Object.entries(group)
  if (members.length === 0) return true
  const isTest = (item: unknown) => Array.isArray(item)
  // Behind 'not' one bare test may stand.
  if (Array.isArray(group))
    return typeof group[0] !== 'string' && group.some((item) => !isTest(item) && holdsEmpty(item))
  return members.some(([name, value]) => {
    if (name === 'and' || name === 'or') return Array.isArray(value) && holdsEmpty(value)
    return name === 'not' && isObjectOrList(value) && holdsEmpty(value)
  })
}

/**
 * Whether the condition is true (or false) of every record because of lists without members: nobody is in one. Beside a
 * test that says something `not in` may have such a list: 'of this owner, and none of those to keep'.
 */
function isAlways(holds: boolean, group: unknown): boolean {
  if (!isObjectOrList(group)) return false
  const every = (parts: unknown[], all: boolean) =>
    all ? parts.every((part) => isAlways(holds, part)) : parts.some((part) => isAlways(holds, part))
  if (Array.isArray(group)) return isTestOf(group) ? isEmptyList(group, holds) : every(group, holds)
  const parts = Object.entries(group as object).map(([name, value]) => {
    if (name === 'not') return isAlways(!holds, value)
    if (name === 'and' && Array.isArray(value)) return every(value, holds)
    return name === 'or' && Array.isArray(value) && every(value, !holds)
  })
  return holds ? !parts.includes(false) : parts.includes(true)
}

/** A test stands bare behind `not`, and in lists; lists of conditions hold no text. */
function isTestOf(list: readonly unknown[]): boolean {
  return typeof list[1] === 'string'
}

function isEmptyList([, operator, list]: readonly unknown[], holds: boolean): boolean {
  const negated = /^\s*(not\s+)?in\s*$/i.exec(operator as string)
  return negated !== null && Array.isArray(list) && list.length === 0 && (negated[1] !== undefined) === holds
}

function isObjectOrList(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

const REFERENCE = '$key'

/** The step with every `{"$key": [step, record]}` replaced by that key. */
function resolve(step: WholeStep, keys: readonly (readonly Key[])[], index: number): WholeStep {
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

/** Conditions are read before any step runs. @throws Problem invalid_request */
function checkReferences(step: WholeStep, index: number): void {
  for (const part of ['where', 'if'] as const) {
    if (!holdsReference(step[part])) continue
    const reason = `operations[${index}]: a key of an earlier operation stands in records, set or ids, not in '${part}'`
    throw new Problem('invalid_request', { reason })
  }
  const records = [...(step.records ?? []), step.set ?? {}]
  if (!records.some((record) => isPlace(record) || Object.values(record).some(holdsPlaceInside))) return
  const reason = `operations[${index}]: a key of an earlier operation stands for a whole value of a record, not inside of one`
  throw new Problem('invalid_request', { reason })
}

/** What stands inside of a value is stored as it is, and somebody who writes a place there does not mean that. */
function holdsPlaceInside(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || isReference(value)) return false
  return Object.values(value).some((member) => isPlace(member) || holdsPlaceInside(member))
}

function isPlace(value: unknown): boolean {
  return isReference(value) && Array.isArray(value[REFERENCE])
}

function holdsReference(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return isReference(value) || Object.values(value).some(holdsReference)
}

function keyAt(reference: unknown, keys: readonly (readonly Key[])[], index: number): Key {
  const [step, record] = Array.isArray(reference) ? (reference as unknown[]) : []
  const key = typeof step === 'number' && typeof record === 'number' ? keys[step]?.[record] : undefined
  if (key === undefined) throw new Problem('reference_unknown', { index, reference: show(reference) })
  return key
}
