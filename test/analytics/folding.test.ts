import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { ColumnCache } from '../../src/analytics/column-cache.js'
import { Folding } from '../../src/analytics/folding.js'
import type { EventTable } from '../../src/analytics/index.js'
import { Kind, key } from '../../src/analytics/keys.js'
import { Partition } from '../../src/analytics/partition.js'
import { Numberings } from '../../src/analytics/texts.js'
import { BinaryEnvironment } from '../../src/storage/index.js'
import { eventFolder } from './settings.js'

const ROWS = 30_000
const COLUMNS = 40
const table: EventTable = {
  ...{ id: 1, version: 1, partitions: 1, zOrder: [], foldCase: false },
  columns: Array.from({ length: COLUMNS }, (_, at) => ({
    ...{ id: at + 1, name: `number_${at}`, type: 'double' as const, isSet: false },
  })),
}

/** A partition whose rows are in its delta, and its folding, whose first step has begun and has paused. */
class Paused implements AsyncDisposable {
  readonly folder = eventFolder()
  readonly environment = new BinaryEnvironment(join(this.folder, '0.mdb'))
  readonly partition = new Partition(this.environment, table, 0, new ColumnCache(1 << 24), new Numberings(), {
    count: 0,
  })
  readonly folding = new Folding(this.partition, (writes) => {
    this.stored++
    return this.environment.write(writes)
  })
  stored = 0
  step: Promise<boolean> | undefined

  static async begin(): Promise<Paused> {
    const paused = new Paused()
    const rows = Uint32Array.from({ length: ROWS }, (_, row) => row)
    const values = Float64Array.from(rows, (row) => row / 7)
    const batch = {
      ...{
        people: ['somebody'],
        partitionOf: new Uint16Array(1),
        rows: ROWS,
        event: rows,
        person: new Uint32Array(ROWS),
      },
      ...{ stamp: Float64Array.from(rows), action: new Uint32Array(ROWS).fill(1), actions: ['', 'seen'] },
      columns: table.columns.map(({ id }) => ({ id, storage: 'number' as const, isSet: false, values, texts: [] })),
    }
    await paused.environment.write(paused.partition.insert(batch, rows, ROWS, () => undefined))
    paused.step = paused.folding.step()
    await new Promise(setImmediate)
    return paused
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.environment[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true })
  }
}

describe('a block that is folded', () => {
  it('lets others in between its columns', async () => {
    await using paused = await Paused.begin()
    expect(paused.stored).to.equal(0)
    await paused.step
    expect(paused.partition.blocks.map(({ rows }) => rows)).to.deep.equal([ROWS])
  })

  it('is made again without a column that was dropped meanwhile', async () => {
    await using paused = await Paused.begin()
    expect(paused.stored).to.equal(0)
    const { partition, folding, environment } = paused
    const columns = table.columns.slice(1)
    partition.useSchema({ ...table, version: 2, columns })
    await paused.step
    while (folding.isUnderWay) await folding.step()
    expect(partition.blocks.map(({ rows }) => rows)).to.deep.equal([ROWS])
    const stored = [...environment.keys(key(1, 0, Kind.block, 0), key(1, 0, Kind.block, 1_000))]
    const block = partition.blocks[0]!.id
    expect(stored.some((at) => key(1, 0, Kind.block, block, 2).equals(at))).to.equal(true)
    expect(stored.some((at) => key(1, 0, Kind.block, block, 1).equals(at))).to.equal(false)
    expect(stored.every((at) => at.subarray(0, -4).equals(key(1, 0, Kind.block, block, 2).subarray(0, -4)))).to.equal(
      true,
    )
  })

  it('is not stored when the partition is read again meanwhile', async () => {
    await using paused = await Paused.begin()
    expect(paused.stored).to.equal(0)
    paused.folding.abandon()
    await paused.step
    expect(paused.stored).to.equal(0)
    expect(paused.partition.blocks).to.deep.equal([])
  })
})
