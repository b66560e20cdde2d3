import { expect } from 'chai'
import { indexBuilderOf } from '../../src/adapters/index.js'
import { loadConfig } from '../../src/config/index.js'
import { IndexBuilds, Jobs, type JobView, type Work } from '../../src/jobs/index.js'
import { Problem } from '../../src/lib/index.js'
import { Storage } from '../../src/storage/index.js'
import { eventually } from '../support/eventually.js'
import { type SmallDisk, withSmallDisk } from '../support/small-disk.js'
import { openStore } from '../support/store.js'

const root = { username: 'root', since: 0, superUser: true }
const author = { user: 'root' }
const { jobs: settings, storage: storageSettings } = loadConfig()

/** A kind of jobs that end when they are told to. */
function longWork() {
  let finish!: () => void
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const long: Work = async ({ progress }) => {
    progress.rows = 1
    await finished
    return 'all of it'
  }
  return { kinds: { long }, finish }
}

describe('jobs, when the disk is full', () => {
  let errors: string[] = []
  beforeEach(() => {
    errors = []
  })
  const log = { error: (_: object, message: string) => void errors.push(message) }

  async function withJobs(
    kinds: Record<string, Work>,
    test: (jobs: Jobs, disk: SmallDisk) => Promise<void>,
    over: Partial<typeof settings> = {},
  ): Promise<boolean> {
    return await withSmallDisk(32, async (disk) => {
      await using storage = await Storage.open({ path: disk.folder, settings: storageSettings })
      await using jobs = new Jobs({ storage, settings: { ...settings, ...over }, log })
      for (const [type, work] of Object.entries(kinds)) jobs.define(type, work)
      await jobs.resume()
      await test(jobs, disk)
    })
  }

  const codeOf = (told: Promise<unknown>) => told.catch(({ code }: Problem) => code)
  const ended = (jobs: Jobs, id: string) =>
    eventually('it has ended', () => jobs.describe(id, root).end_datetime !== undefined)
  const outcome = ({ status, message }: JobView) => [status, message]

  it('end as they have ended, as soon as that can be stored', async function () {
    const { kinds, finish } = longWork()
    const mayMount = await withJobs(kinds, async (jobs, disk) => {
      const { job_id: id } = await jobs.start({ type: 'long', author })
      await eventually('it runs', () => jobs.describe(id, root).progress.rows > 0)
      disk.fill()
      finish()
      await eventually('its end could not be stored', () => errors.length > 0)
      expect(await codeOf(jobs.cancel(id, root))).to.equal('disk_full')
      disk.free()
      await ended(jobs, id)
      expect(outcome(jobs.describe(id, root))).to.deep.equal(['COMPLETE', 'all of it'])
    })
    if (!mayMount) this.skip()
  })

  it('go on waiting where it cannot be stored that they are cancelled', async function () {
    const { kinds, finish } = longWork()
    const run = async (jobs: Jobs, disk: SmallDisk) => {
      const { job_id: first } = await jobs.start({ type: 'long', author })
      const { job_id: second } = await jobs.start({ type: 'long', author })
      disk.fill()
      expect(await codeOf(jobs.cancel(second, root))).to.equal('disk_full')
      disk.free()
      finish()
      await ended(jobs, first)
      await ended(jobs, second)
      expect(outcome(jobs.describe(second, root))).to.deep.equal(['COMPLETE', 'all of it'])
    }
    if (!(await withJobs(kinds, run, { running_max: 1 }))) this.skip()
  })

  it('tell all who cancel one at once how it has ended', async function () {
    const { kinds, finish } = longWork()
    const run = async (jobs: Jobs) => {
      await jobs.start({ type: 'long', author })
      const { job_id: id } = await jobs.start({ type: 'long', author })
      const told = await Promise.all([jobs.cancel(id, root), jobs.cancel(id, root)])
      finish()
      expect(told).to.deep.equal(['CANCELLED', 'CANCELLED'])
    }
    if (!(await withJobs(kinds, run, { running_max: 1 }))) this.skip()
  })

  it('give an index up that fails, with the end of its job, which says how it failed', async function () {
    const mayMount = await withSmallDisk(32, async (disk) => {
      const store = await openStore(disk.folder)
      const { catalog, storage, tables } = store
      await catalog.createTable({ database: 'dev', table: 'item', primaryKey: 'id' })
      await tables.transact(author, (batch) => batch.insert('dev', 'item', [{ id: 1 }]))
      const jobs = new Jobs({ storage, settings, log })
      const build = () => {
        disk.fill()
        return Promise.reject(new Problem('column_dropped', { database: 'dev', table: 'item' }))
      }
      const builds = new IndexBuilds(jobs, { ...indexBuilderOf(tables), build })
      await jobs.resume()
      const column = { database: 'dev', table: 'item', definition: { name: 'colour', default: 'red' } }
      const { job_id: id } = await builds.start(column, author)
      await eventually('its end could not be stored', () => errors.length > 0)
      disk.free()
      await ended(jobs, id)
      const { message } = new Problem('column_dropped', { database: 'dev', table: 'item' })
      expect(outcome(jobs.describe(id, root))).to.deep.equal(['ERROR', message])
      // Readers see a commit a moment before the catalog does.
      const colour = () => catalog.table('dev', 'item').columns.find(({ name }) => name === 'colour')!
      await eventually('its column is without an index', () => !colour().building && !colour().indexed)
      await jobs[Symbol.asyncDispose]()
      await store.close()
    })
    if (!mayMount) this.skip()
  })
})
