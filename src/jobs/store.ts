import {
  AFTER_VALUES,
  encodeId,
  encodeValue,
  type Keyspace,
  type Storage,
  type WriteTransaction,
} from '../storage/index.js'
import { type JobRecord, noProgress, type Progress, type RowError } from './record.js'

interface StoredProgress {
  progress: Progress
  position: unknown
}

/** Where jobs are kept, and how far each of them is. */
export class JobStore {
  readonly storage: Storage
  /** id → record */
  readonly #records: Keyspace
  /** time of creation, id → nothing */
  readonly #times: Keyspace
  /** id → progress and position: small, because it is written with every step */
  readonly #progress: Keyspace
  /** id, number → line and reason */
  readonly #errors: Keyspace
  /** id, number → part of the input */
  readonly #parts: Keyspace
  /** id → what the job has found out, as JSON */
  readonly #results: Keyspace

  constructor(storage: Storage) {
    this.storage = storage
    this.#records = storage.keyspace('jobs')
    this.#times = storage.keyspace('job_times')
    this.#progress = storage.keyspace('job_progress')
    this.#errors = storage.keyspace('job_errors')
    this.#parts = storage.keyspace('job_parts')
    this.#results = storage.keyspace('job_results')
  }

  add(transaction: WriteTransaction, record: JobRecord, parts: readonly string[]): void {
    this.put(transaction, record)
    transaction.put(this.#times, encodeValue(record.created) + encodeValue(record.id), '')
    for (const [index, part] of parts.entries()) transaction.put(this.#parts, placeOf(record.id, index), part)
  }

  put(transaction: WriteTransaction, record: JobRecord): void {
    transaction.put(this.#records, encodeValue(record.id), JSON.stringify(record))
  }

  /** Stores how far a job is, in the transaction of its work. */
  putProgress(transaction: WriteTransaction, id: string, progress: Progress, position: unknown): void {
    const stored: StoredProgress = { progress, position }
    transaction.put(this.#progress, encodeValue(id), JSON.stringify(stored))
  }

  addError(transaction: WriteTransaction, id: string, number: number, error: RowError): void {
    transaction.put(this.#errors, placeOf(id, number), JSON.stringify(error))
  }

  /** Removes the input of a job that needs it no more. */
  removeParts(transaction: WriteTransaction, { id, parts }: JobRecord): void {
    for (let index = 0; index < parts; index++) transaction.remove(this.#parts, placeOf(id, index))
  }

  find(id: string): JobRecord | undefined {
    using snapshot = this.storage.snapshot()
    const text = snapshot.get(this.#records, encodeValue(id))
    return text === undefined ? undefined : (JSON.parse(text) as JobRecord)
  }

  /** Whether no transaction that is under way removes the job. */
  stays(transaction: WriteTransaction, id: string): boolean {
    return transaction.get(this.#records, encodeValue(id)) !== undefined
  }

  progressOf(id: string): StoredProgress {
    using snapshot = this.storage.snapshot()
    const text = snapshot.get(this.#progress, encodeValue(id))
    return text === undefined ? { progress: noProgress(), position: undefined } : (JSON.parse(text) as StoredProgress)
  }

  /** The first errors of a job, up to `most`. */
  errorsOf(id: string, most: number): RowError[] {
    using snapshot = this.storage.snapshot()
    const prefix = encodeValue(id)
    const entries = snapshot.entries(this.#errors, { start: prefix, end: prefix + AFTER_VALUES.repeat(5), limit: most })
    return [...entries].map(([, text]) => JSON.parse(text) as RowError)
  }

  part(id: string, index: number): string {
    using snapshot = this.storage.snapshot()
    return snapshot.get(this.#parts, placeOf(id, index)) ?? ''
  }

  putResult(transaction: WriteTransaction, id: string, result: string): void {
    transaction.put(this.#results, encodeValue(id), result)
  }

  /** As it was stored: JSON. */
  resultOf(id: string): string | undefined {
    using snapshot = this.storage.snapshot()
    return snapshot.get(this.#results, encodeValue(id))
  }

  /** Ids of the jobs that were created in [from, to], oldest first. */
  createdBetween(from: number, to: number, most: number): string[] {
    using snapshot = this.storage.snapshot()
    const range = { start: encodeValue(from), end: encodeValue(to) + AFTER_VALUES, limit: most }
    return [...snapshot.keys(this.#times, range)].map(idIn)
  }

  /** Every stored job, oldest first. */
  all(): JobRecord[] {
    return this.createdBetween(0, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER).flatMap((id) => this.find(id) ?? [])
  }

  /** Forgets a job that has ended. */
  remove(transaction: WriteTransaction, record: JobRecord): void {
    const key = encodeValue(record.id)
    transaction.remove(this.#records, key)
    transaction.remove(this.#progress, key)
    transaction.remove(this.#results, key)
    transaction.remove(this.#times, encodeValue(record.created) + key)
    for (const place of transaction.keys(this.#errors, { start: key, end: key + AFTER_VALUES.repeat(5) }))
      transaction.remove(this.#errors, place)
    this.removeParts(transaction, record)
  }
}

function placeOf(id: string, number: number): string {
  return encodeValue(id) + encodeId(number)
}

/** The id behind the time: the time is a number, which takes nine bytes; the text ends with a zero byte. */
function idIn(key: string): string {
  return key.slice(encodeValue(0).length + 1, -1)
}
