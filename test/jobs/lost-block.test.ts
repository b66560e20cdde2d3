import { expect } from 'chai'
import type { JobRun } from '../../src/jobs/index.js'
import { type LoadPosition, load, type RowStore } from '../../src/jobs/load/load.js'
import type { Source } from '../../src/jobs/load/source.js'
import { Problem } from '../../src/lib/index.js'
import type { WriteTransaction } from '../../src/storage/index.js'

const block = (offset: number) => ({
  text: `{"id":${offset}}\n`,
  line: offset,
  bytes: 9,
  next: { offset, line: offset },
})
const source: Source = { read: async ({ offset }) => (offset < 3 ? block(offset + 1) : undefined) }

describe('a load one of whose blocks does not reach the disk', () => {
  it('stores no position behind it: after a kill the block would be left out', async () => {
    const stored: number[] = []
    const undos: (() => void)[] = []
    const transaction = { onUndo: (callback: () => void) => undos.push(callback) } as unknown as WriteTransaction
    const job = {
      record: { parameters: { format: 'ndjson', columns: [], start: { offset: 0, line: 1 }, errorsMax: 0 } },
      progress: { errors: 0 },
      signal: new AbortController().signal,
      step: (_: unknown, { position }: { position: LoadPosition }) => stored.push(position.offset),
    } as unknown as JobRun
    // The first commit fails while the second transaction waits for its turn, as for that of a large write.
    let fail: (reason: Problem) => void
    const first = new Promise<never>((_, reject) => {
      fail = reject
    })
    const write: RowStore['write'] = (_target, _user, records, alongside) => {
      if (undos.length === 0) {
        alongside(transaction, records.length)
        return first
      }
      const later = new Promise((resolve) => setImmediate(resolve))
      return later.then(() => {
        stored.pop()
        undos[0]!()
        fail(new Problem('disk_full', {}))
        alongside(transaction, records.length)
        return records.length
      })
    }
    const error = await load(job, source, { columns: () => new Map(), write }).catch((caught: unknown) => caught)
    expect(error).to.have.property('code', 'disk_full')
    expect(stored).to.deep.equal([])
  })
})

describe('a load with many bad rows', () => {
  it('lets others run between two tries, and ends when it is cancelled', async () => {
    const rows = Array.from({ length: 200 }, (_, id) => `{"id":${id}}\n`).join('')
    const one: Source = {
      read: async ({ offset }) =>
        offset === 0 ? { text: rows, line: 1, bytes: rows.length, next: { offset: 1, line: 201 } } : undefined,
    }
    const controller = new AbortController()
    const job = {
      record: { parameters: { format: 'ndjson', columns: [], start: { offset: 0, line: 1 }, errorsMax: 1000 } },
      progress: { errors: 0 },
      signal: controller.signal,
      step: () => {},
    } as unknown as JobRun
    let turns = 0
    const count = () => {
      if (++turns === 100) controller.abort(new Problem('job_cancelled', { id: 'x' }))
      counting = setImmediate(count)
    }
    let counting = setImmediate(count)
    let tries = 0
    const write: RowStore['write'] = async () => {
      tries++
      throw new Problem('key_invalid', { index: 0, reason: 'bad' })
    }
    const error = await load(job, one, { columns: () => new Map(), write }).catch((caught: unknown) => caught)
    expect(error).to.have.property('code', 'job_cancelled')
    clearImmediate(counting)
    expect(tries).to.be.within(90, 110)
  })
})
