import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Catalog, TableSchema } from '../catalog/index.js'
import type { Author, FileIdentity, Folder, JobRun, Jobs, Maker, Started } from '../jobs/index.js'
import { Problem, Turns } from '../lib/index.js'
import { EnvironmentCopier, type Incarnation, RECORDS, type Storage } from '../storage/index.js'
import { type ChangeLog, transplant } from '../tables/index.js'
import { type Manifest, pack, unpack } from './archive.js'
import { type Aside, tablesIn } from './aside.js'

/** What backups need of the event data. */
export interface EventData {
  /** Does something short while nothing is inserted. */
  quietly<T>(run: () => Promise<T>): Promise<T>
  /** The files of the event data, in its folder. */
  readonly files: readonly string[]
  /** Makes a folder of copies of the files one that can be opened. */
  describeIn(folder: string): void
  /** Lets go of what processes have pinned that were killed while they read. */
  forgetDeadReaders(): Promise<void>
  /** Takes the data of a table from such a folder. */
  adopt(folder: string, from: number, schema: TableSchema): Promise<void>
  /** Begins to serve a table whose data is there. */
  load(schema: TableSchema): Promise<void>
  figures(schema: TableSchema): Promise<{ events: number }>
  dropTable(schema: TableSchema): Promise<void>
}

export interface BackupsOptions {
  storage: Storage
  catalog: Catalog
  changes: Pick<ChangeLog, 'noteUnlogged'>
  events: EventData
  jobs: Jobs
  /** Where backups lie that requests name by file. */
  folder: Folder
  /** A folder for copies that live as long as one job; emptied at the start. */
  scratch: string
  about: { version: string; node: string; incarnation: Incarnation }
  openAside: (folder: string) => Promise<Aside>
}

interface RestoreParameters {
  file: string
  database: string
  as: string
}

/** How far a restoration is. */
interface RestorePosition {
  /** The tables under their new numbers. */
  tables: TableSchema[]
  /** The catalog knows them: all is done. */
  isKnown?: boolean
}

const EVENTS = 'events'

/** Backups of the whole node while it serves, their verification, and databases that come back under a new name. */
export class Backups implements AsyncDisposable {
  readonly #options: BackupsOptions
  readonly #copier: EnvironmentCopier
  /** The end of the last copy: one process makes them, one after the other. */
  readonly #turns = new Turns()

  private constructor(options: BackupsOptions) {
    this.#options = options
    this.#copier = new EnvironmentCopier(1 + options.events.files.length)
    options.jobs.define('create_backup', (job) => this.#write(job))
    options.jobs.define('backup_verify', (job) => this.#verify(job))
    options.jobs.define('restore_backup', (job) => this.#restore(job))
  }

  /** Opens the backups of a node, and removes what an earlier process has left in the scratch folder. */
  static async open(options: BackupsOptions): Promise<Backups> {
    await rm(options.scratch, { recursive: true, force: true })
    return new Backups(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#copier[Symbol.asyncDispose]()
  }

  /** A backup of everything in pieces: a tar file. The copy is made when the first piece is asked for. */
  async *stream(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const { version, node, incarnation } = this.#options.about
    await using scratch = await this.#scratch()
    const taken = await this.#copyInTurn(scratch.path, signal)
    yield* pack(scratch.path, { format: 1, version, node, incarnation: incarnation.id, taken })
  }

  #copyInTurn(folder: string, signal: AbortSignal | undefined): Promise<number> {
    return this.#turns.take('copy', async () => {
      signal?.throwIfAborted()
      return this.#copyTo(folder, signal)
    })
  }

  /** Copies records and events as of one moment, and answers when that was. Writers wait only while copies begin. */
  async #copyTo(folder: string, signal: AbortSignal | undefined): Promise<number> {
    const { storage, events } = this.#options
    const names = [RECORDS, ...events.files.map((file) => join(EVENTS, file))]
    for (const name of [RECORDS, EVENTS]) await mkdir(join(folder, name), { mode: 0o700 })
    events.describeIn(join(folder, EVENTS))
    const files = names.map((name) => ({ from: join(storage.path, name), to: join(folder, name) }))
    try {
      await using copies = await this.#copier.prepare(files)
      const begin = async () => {
        await copies.begin()
        return Date.now()
      }
      const taken = await events.quietly(() => storage.quietly(begin))
      await copies.finish(signal)
      return taken
    } catch (error) {
      storage.forgetDeadReaders()
      await events.forgetDeadReaders()
      throw error
    }
  }

  /** Starts a job that writes a backup into the folder of backups. */
  startWriting(file: string, author: Author): Promise<Started> {
    return this.#start('create_backup', { file }, author)
  }

  /** Starts a job that restores a backup aside, compares every sum, and reads every record. */
  startVerifying(file: string, author: Author): Promise<Started> {
    return this.#start('backup_verify', { file }, author)
  }

  /** Starts a job that brings a database of a backup back under a new name. @throws Problem database_exists */
  startRestoring({ file, database, as }: RestoreParameters, author: Author): Promise<Started> {
    if (this.#options.catalog.hasDatabase(as)) throw new Problem('database_exists', { database: as })
    return this.#start('restore_backup', { file, database, as }, author)
  }

  async #start(type: string, parameters: RestoreParameters | { file: string }, author: Author): Promise<Started> {
    const { jobs, folder } = this.#options
    if (type === 'create_backup') await folder.checkNew(parameters.file)
    else await (await folder.openFile(parameters.file)).close()
    return await jobs.start({ type, author, parameters })
  }

  async #write(job: JobRun): Promise<string> {
    const { file: name } = job.record.parameters as { file: string }
    const noted = job.position as FileIdentity | undefined
    const maker: Maker = { id: job.id, noted, note: (identity) => job.save(identity) }
    await this.#options.folder.makeFile(name, maker, async (file) => {
      job.progress.bytes = 0
      for await (const piece of this.stream(job.signal)) {
        job.signal.throwIfAborted()
        await file.appendFile(piece)
        job.progress.bytes += piece.length
      }
    })
    return `wrote ${job.progress.bytes} bytes to '${name}'`
  }

  async #verify(job: JobRun): Promise<string> {
    const { file } = job.record.parameters as { file: string }
    await using scratch = await this.#scratch()
    const { taken } = await this.#unpack(file, scratch.path, job)
    await using aside = await this.#options.openAside(scratch.path)
    const all = tablesIn(aside.catalog)
    const records = all.filter(({ kind }) => kind === 'records')
    for (const table of records) await countRecords(aside, table, job)
    const events = await readEvents(
      aside,
      all.filter(({ kind }) => kind === 'events'),
      job,
    )
    const found = [`${records.length} tables with ${job.progress.rows} records`, ...events].join(' and ')
    return `the backup of ${new Date(taken).toISOString()} is whole: every sum is right, ${found} can be read`
  }

  async #restore(job: JobRun): Promise<string> {
    const { file, database, as } = job.record.parameters as RestoreParameters
    const { tables, isKnown } = (job.position ?? { tables: [] }) as RestorePosition
    if (isKnown) return this.#restored(tables, job, as)
    if (tables.length > 0) await this.#beginAgain(job, tables)
    job.progress.rows = 0
    await using scratch = await this.#scratch()
    await this.#unpack(file, scratch.path, job)
    await using aside = await this.#options.openAside(scratch.path)
    const sources = [...aside.catalog.database(database).tables.values()]
    const targets = await this.#numbered(job, sources, as)
    const { about, changes } = this.#options
    try {
      for (const [index, source] of sources.entries())
        await this.#bringIn(job, scratch.path, aside, source, targets[index]!)
      await this.#options.storage.write((transaction) => {
        this.#options.catalog.adopt(transaction, as, targets)
        for (const { id, kind } of targets) if (kind === 'records') changes.noteUnlogged(transaction, id, about.node)
        job.step(transaction, { position: { tables: targets, isKnown: true } satisfies RestorePosition })
      })
    } catch (error) {
      await this.#abandon(job, targets)
      throw error
    }
    for (const target of targets) if (target.kind === 'events') await this.#options.events.load(target)
    return this.#restored(targets, job, as)
  }

  async #restored(tables: readonly TableSchema[], { progress }: JobRun, as: string): Promise<string> {
    const ofPeople = tables.filter(({ kind }) => kind === 'events')
    const figures = await Promise.all(ofPeople.map((table) => this.#options.events.figures(table)))
    const events = figures.reduce((sum, figure) => sum + figure.events, 0)
    const found = `${progress.rows} records${ofPeople.length > 0 ? ` and ${events} events` : ''}`
    return `restored ${tables.length} tables with ${found} as '${as}'`
  }

  /** The tables under numbers of their own, which are stored as the position: what is brought in must not be forgotten. */
  #numbered(job: JobRun, sources: readonly TableSchema[], database: string): Promise<TableSchema[]> {
    const { storage, catalog } = this.#options
    return storage.write((transaction) => {
      const targets = sources.map((source) => {
        const id = catalog.takeNumbers(transaction, 1 + source.columns.length)
        // Event data names its columns by their numbers, which count within the table only.
        const columns =
          source.kind === 'events'
            ? source.columns
            : source.columns.map((column, index) => ({ ...column, id: id + 1 + index }))
        return { ...source, id, database, columns }
      })
      job.step(transaction, { position: { tables: targets } satisfies RestorePosition })
      return targets
    })
  }

  async #bringIn(job: JobRun, folder: string, aside: Aside, source: TableSchema, target: TableSchema): Promise<void> {
    const { storage, events } = this.#options
    if (source.kind === 'events') return await events.adopt(join(folder, EVENTS), source.id, target)
    const onRecords = (records: number) => {
      job.progress.rows += records
    }
    await transplant({ from: aside.storage, to: storage, source, target, signal: job.signal, onRecords })
  }

  /** The process ended in the middle: what it has brought in goes. */
  async #beginAgain(job: JobRun, tables: readonly TableSchema[]): Promise<void> {
    await this.#abandon(job, tables)
    await this.#options.storage.write((transaction) => {
      job.atEnd?.(transaction)
      job.step(transaction, { position: { tables: [] } satisfies RestorePosition })
    })
    job.atEnd = undefined
  }

  /**
   * Lets go what was brought in and is not known to the catalog: records with the end of the job, as a full disk may not
   * take it before.
   */
  async #abandon(job: JobRun, targets: readonly TableSchema[]): Promise<void> {
    const { storage, catalog, events } = this.#options
    if (storage.failure) return // whether the catalog knows them is seen by the next process, by the position
    job.atEnd = (transaction) => {
      for (const { id, columns, kind } of targets)
        if (kind === 'records')
          catalog.abandon(
            transaction,
            id,
            columns.map((column) => column.id),
          )
    }
    for (const target of targets) if (target.kind === 'events') await events.dropTable(target)
  }

  async #unpack(name: string, folder: string, job: JobRun): Promise<Manifest> {
    await using file = await this.#options.folder.openFile(name)
    job.progress.bytesTotal = (await file.stat()).size
    return await unpack(counted(file.createReadStream({ autoClose: false }), job), folder)
  }

  async #scratch(): Promise<{ path: string } & AsyncDisposable> {
    const path = join(this.#options.scratch, randomUUID())
    await mkdir(path, { recursive: true, mode: 0o700 })
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
  }
}

async function* counted(chunks: AsyncIterable<Buffer>, job: JobRun): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    job.signal.throwIfAborted()
    job.progress.bytes += chunk.length
    yield chunk
  }
}

/** Reads every record of a table and compares their number with the one that is stored. */
async function countRecords({ tables }: Aside, { database, name }: TableSchema, job: JobRun): Promise<void> {
  using snapshot = tables.snapshot()
  const reader = snapshot.table(database, name)!
  let records = 0
  for (const _ of reader.scan())
    if (++records % 1000 === 0) {
      job.signal.throwIfAborted()
      await new Promise((resolve) => setImmediate(resolve))
    }
  job.progress.rows += records
  if (records !== reader.count())
    throw new Problem('backup_damaged', {
      reason: `table ${database}.${name} has ${records} records instead of ${reader.count()}`,
    })
}

/** Reads all that tables of events hold, and says what it was. */
async function readEvents(aside: Aside, tables: readonly TableSchema[], { signal }: JobRun): Promise<string[]> {
  if (tables.length === 0) return []
  await using data = await aside.openEvents()
  let events = 0
  for (const table of tables) {
    signal.throwIfAborted()
    await data.digests(table, 1)
    events += (await data.figures(table)).events
  }
  return [`${tables.length} of people with ${events} events`]
}

/** Reads a file on the machine of the command line. */
export async function* readBackup(path: string): AsyncGenerator<Buffer> {
  yield* createReadStream(path, { highWaterMark: 1 << 20 })
}
