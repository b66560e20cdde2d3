import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { loadConfig } from '../../src/config/index.js'
import { type JobOwners, type JobRun, type JobSettings, Jobs, type JobView, type Work } from '../../src/jobs/index.js'
import { JsonText, Problem } from '../../src/lib/index.js'
import { Storage } from '../../src/storage/index.js'

const root = { username: 'root', since: 0, superUser: true }
const anna = { username: 'anna', since: 0, superUser: false }
const { jobs: defaults, storage: storageSettings } = loadConfig()
const silent = { error: () => {} }

const finding =
  (result: unknown): Work =>
  async (run) => {
    run.result = result
    return 'found'
  }

describe('jobs', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'trellis-jobs-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  async function withJobs<Result>(
    test: (jobs: Jobs, storage: Storage) => Promise<Result>,
    {
      settings = {},
      kinds = {},
      owners,
    }: { settings?: Partial<JobSettings>; kinds?: Record<string, Work>; owners?: JobOwners } = {},
  ): Promise<Result> {
    await using storage = await Storage.open({ path: folder, settings: storageSettings })
    await using jobs = new Jobs({
      storage,
      settings: { ...defaults, ...settings },
      log: silent,
      ...(owners && { owners }),
    })
    for (const [type, work] of Object.entries({ done: async () => 'done', ...kinds })) jobs.define(type, work)
    await jobs.resume()
    return await test(jobs, storage)
  }

  async function ended(jobs: Jobs, id: string): Promise<JobView> {
    for (let attempt = 0; attempt < 500; attempt++) {
      const job = jobs.describe(id, root)
      if (job.end_datetime !== undefined) return job
      await sleep(5)
    }
    throw new Error(`the job ${id} does not end`)
  }

  it('keep what they found out as the text that it was, and tell it so', () =>
    withJobs(
      async (jobs) => {
        const resultOf = async (type: string) => {
          const { job_id: id } = await jobs.start({ type, author: { user: 'anna' } })
          const { status } = await ended(jobs, id)
          return [status, jobs.told(id, root).text.split('"result":')[1]]
        }
        // Neither text is what JSON.stringify would make of it.
        expect(await resultOf('text')).to.deep.equal(['COMPLETE', '{"a": 1.0}}'])
        expect(await resultOf('bytes')).to.deep.equal(['COMPLETE', '{"a": "é"}}'])
        expect(await resultOf('value')).to.deep.equal(['COMPLETE', '{"a":1}}'])
        expect(await resultOf('nothing')).to.deep.equal(['COMPLETE', undefined])
        expect(await resultOf('long')).to.deep.equal(['ERROR', undefined])
      },
      {
        settings: { result_bytes_max: 100 },
        kinds: {
          text: finding(new JsonText('{"a": 1.0}')),
          bytes: finding(new JsonText(Buffer.from('{"a": "é"}'))),
          value: finding({ a: 1 }),
          nothing: finding(undefined),
          long: finding(new JsonText(`["${'x'.repeat(100)}"]`)),
        },
      },
    ))

  it('run, count up, and end with a message', () =>
    withJobs(async (jobs, storage) => {
      jobs.define('count', async (job) => {
        job.progress.rowsTotal = 10
        await storage.write((transaction) =>
          job.step(transaction, { position: 1, rows: 10, bytes: 99, errors: [{ line: 3, reason: 'odd' }] }),
        )
        return 'all ten'
      })
      const { job_id, message } = await jobs.start({ type: 'count', author: { user: 'anna' } })
      expect(message).to.equal(`Starting job with id ${job_id}`)
      const job = await ended(jobs, job_id)
      expect(job).to.deep.include({
        type: 'count',
        user: 'anna',
        status: 'COMPLETE',
        message: 'all ten',
        errors: [{ line: 3, reason: 'odd' }],
      })
      expect(job.progress).to.include({ rows: 10, bytes: 99, percent: 100, errors: 1 })
      expect(job.created_datetime).to.be.at.most(job.start_datetime!)
    }))

  it('are seen by those who started them and by super users only', () =>
    withJobs(async (jobs) => {
      const { job_id } = await jobs.start({ type: 'done', author: { user: 'bert' } })
      await ended(jobs, job_id)
      expect(await jobs.search(0, Date.now() + 1, root)).to.have.length(1)
      expect(await jobs.search(0, Date.now() + 1, anna)).to.have.length(0)
      expect(await jobs.search(0, Date.now() - 60_000, root)).to.have.length(0)
      const later = { username: 'bert', since: Date.now() + 1, superUser: false }
      expect(jobs.describe(job_id, { ...later, since: 0 })).to.include({ status: 'COMPLETE' })
      expect(() => jobs.describe(job_id, later), 'a later user of the name').to.throw()
      expect(await jobs.search(0, Date.now() + 1, later)).to.have.length(0)
      for (const id of [job_id, 'no-such-job'])
        expect(() => jobs.describe(id, anna))
          .to.throw()
          .with.property('code', 'job_not_found')
      expect(await jobs.cancel(job_id, anna).catch((error: unknown) => error)).to.have.property('code', 'job_not_found')
    }))

  it('fail with the sentence of a problem, and without the details of a bug', () =>
    withJobs(async (jobs) => {
      jobs.define('bug', () => Promise.reject(new Error('secret path /etc')))
      const bug = await jobs.start({ type: 'bug', author: { user: 'anna' } })
      const job = await ended(jobs, bug.job_id)
      expect(job.status).to.equal('ERROR')
      expect(job.message).to.contain(bug.job_id).and.not.contain('secret')
    }))

  it('run a limited number at a time, the others wait, and too many are refused', () =>
    withJobs(
      async (jobs) => {
        let running = 0
        let most = 0
        let open = () => {}
        const gate = new Promise<void>((resolve) => {
          open = resolve
        })
        const run: Work = async () => {
          most = Math.max(most, ++running)
          await gate
          running--
          return 'done'
        }
        jobs.define('gated', run)
        const started = []
        for (let index = 0; index < 5; index++)
          started.push(await jobs.start({ type: 'gated', author: { user: 'anna' } }))
        const refused = await jobs.start({ type: 'gated', author: { user: 'anna' } }).catch((error: unknown) => error)
        expect(refused).to.have.property('code', 'too_many_jobs')
        open()
        for (const { job_id } of started) expect(await ended(jobs, job_id)).to.have.property('status', 'COMPLETE')
        expect(most).to.equal(2)
      },
      { settings: { running_max: 2, waiting_max: 3 } },
    ))

  it('can be cancelled while they run and while they wait, but not when they have ended', () =>
    withJobs(
      async (jobs, storage) => {
        const forever: Work = async (job) => {
          for (let step = 1; ; step++) {
            job.signal.throwIfAborted()
            await storage.write((transaction) => job.step(transaction, { position: step, rows: 1 }))
          }
        }
        jobs.define('forever', forever)
        const first = await jobs.start({ type: 'forever', author: { user: 'anna' } })
        const second = await jobs.start({ type: 'forever', author: { user: 'anna' } })
        while (jobs.describe(first.job_id, anna).progress.rows === 0) await sleep(1)
        await jobs.cancel(second.job_id, anna)
        expect(jobs.describe(second.job_id, anna)).to.include({
          status: 'CANCELLED',
          message: 'Cancelled before it began.',
        })
        await jobs.cancel(first.job_id, root)
        const job = jobs.describe(first.job_id, anna)
        expect(job).to.have.property('status', 'CANCELLED')
        expect(job.progress.rows).to.be.greaterThan(0)
        expect(await jobs.cancel(first.job_id, anna).catch((error: unknown) => error)).to.have.property(
          'code',
          'job_ended',
        )
      },
      { settings: { running_max: 1 } },
    ))

  const untilAborted = (job: JobRun) =>
    new Promise<never>((_, reject) => {
      if (job.signal.aborted) reject(job.signal.reason)
      job.signal.addEventListener('abort', () => reject(job.signal.reason))
    })

  it('end while they run when the key of their start has ended by itself, as nobody tells of that', () => {
    let asked: unknown
    const owners: JobOwners = {
      since: () => 7,
      check({ apiKey, since }) {
        asked = { apiKey, since }
        if (performance.now() > ends) throw new Problem('api_key_invalid', {})
      },
    }
    const ends = performance.now() + 200
    return withJobs(
      async (jobs) => {
        jobs.define('stuck', untilAborted)
        const { job_id } = await jobs.start({ type: 'stuck', author: { user: 'anna', apiKey: 'k1' } })
        const job = await ended(jobs, job_id)
        expect(asked).to.deep.equal({ apiKey: 'k1', since: 7 })
        expect(job.status).to.equal('ERROR')
        expect(job.message).to.match(/^User 'anna', who started the job .* The key for programs/)
      },
      { owners },
    )
  })

  it('go on after a restart where they were; those of types that nobody knows say so', async () => {
    const seen: number[] = []
    let stuck = true
    const count: Work = async (job) => {
      for (let step = (job.position as number | undefined) ?? 0; step < 5; step++) {
        if (step === 3 && stuck) await untilAborted(job)
        seen.push(step)
        await storageOf.current!.write((transaction) => job.step(transaction, { position: step + 1, rows: 1 }))
      }
      return `counted to ${job.part(0)}`
    }
    const storageOf: { current?: Storage } = {}
    const [kind, other] = await withJobs(
      async (jobs, storage) => {
        storageOf.current = storage
        const kind = await jobs.start({ type: 'count', author: { user: 'anna' }, parameters: {}, parts: ['five'] })
        const other = await jobs.start({ type: 'of_another_version', author: { user: 'anna' } })
        while (jobs.describe(kind.job_id, anna).progress.rows < 3) await sleep(1)
        stuck = false
        return [kind.job_id, other.job_id]
      },
      { kinds: { count, of_another_version: untilAborted } },
    )
    await withJobs(
      async (jobs, storage) => {
        storageOf.current = storage
        const job = await ended(jobs, kind!)
        expect(job).to.include({ status: 'COMPLETE', message: 'counted to five' })
        expect(job.progress.rows).to.equal(5)
        expect(seen).to.deep.equal([0, 1, 2, 3, 4])
        expect(jobs.describe(other!, anna)).to.include({
          status: 'ERROR',
          message: 'This version of the node does not know jobs of this type.',
        })
      },
      { kinds: { count } },
    )
  })

  it('that an earlier process has begun put things in order when they are cancelled before their turn', async () => {
    const undone: string[] = []
    const tidy: Work = async (job) => {
      try {
        if (job.position === undefined) await job.save('half done')
        return await untilAborted(job)
      } catch (error) {
        if (job.isOver) undone.push(`${job.position}`)
        throw error
      }
    }
    const kinds = { tidy, long: untilAborted }
    const ids = await withJobs(
      async (jobs) => {
        const ids = []
        for (const type of ['long', 'tidy']) ids.push((await jobs.start({ type, author: { user: 'anna' } })).job_id)
        while (jobs.positions('tidy').length === 0) await sleep(1)
        return ids
      },
      { kinds },
    )
    expect(undone).to.deep.equal([])
    await withJobs(
      async (jobs) => {
        expect(jobs.describe(ids[0]!, anna)).to.have.property('status', 'IN_PROGRESS')
        await jobs.cancel(ids[1]!, anna)
        expect(undone).to.deep.equal(['half done'])
        expect(jobs.describe(ids[1]!, anna)).to.have.property('status', 'CANCELLED')
      },
      { kinds, settings: { running_max: 1 } },
    )
  })

  it('are listed with pauses for others, and not for a caller who has gone', () =>
    withJobs(async (jobs) => {
      for (let index = 0; index < 5; index++) {
        const { job_id } = await jobs.start({ type: 'done', author: { user: 'anna' } })
        await ended(jobs, job_id)
      }
      const now = performance.now.bind(performance)
      let passed = 0
      performance.now = () => now() + (passed += 1000) // each job takes long
      try {
        let pauses = 0
        const found = await jobs.search(0, Date.now() + 1, root, () => void pauses++)
        expect([found.length, pauses]).to.deep.equal([5, 5])
        const gone = new Error('the caller has gone')
        const left = jobs.search(0, Date.now() + 1, root, () => {
          throw gone
        })
        expect(await left.catch((error: unknown) => error)).to.equal(gone)
      } finally {
        performance.now = now
      }
    }))

  it('are forgotten when there are too many, the oldest first', () =>
    withJobs(
      async (jobs) => {
        const ids = []
        for (let index = 0; index < 15; index++) {
          const { job_id } = await jobs.start({ type: 'done', author: { user: 'anna' } })
          await ended(jobs, job_id)
          ids.push(job_id)
        }
        expect((await jobs.search(0, Date.now() + 1, root)).map(({ id }) => id)).to.deep.equal(ids.slice(-10))
        // Started at once, they share a commit: each of them has to forget another one.
        const more = await Promise.all(ids.slice(-5).map(() => jobs.start({ type: 'done', author: { user: 'anna' } })))
        for (const { job_id } of more) await ended(jobs, job_id)
        const kept = (await jobs.search(0, Date.now() + 1, root)).map(({ id }) => id)
        expect(kept).to.have.members([...ids.slice(-5), ...more.map(({ job_id }) => job_id)])
      },
      { settings: { kept_max: 10 } },
    ))
})
