import { expect } from 'chai'
import type { HeldPartitions } from '../../src/analytics/held-partitions.js'
import { SharedRows } from '../../src/analytics/shared-rows.js'
import { Problem } from '../../src/lib/index.js'

describe('sharing the rows of an event table', () => {
  it('holds once it is written everywhere, and is written when it is asked for again', async () => {
    const written: string[] = []
    let isFull = true
    const environment = (name: string) => ({
      get: () => undefined,
      write: async () => {
        if (isFull && name === 'second') throw new Problem('disk_full', {})
        written.push(name)
      },
    })
    const environments = new Map(['first', 'second'].map((name, place) => [place, environment(name)]))
    const rows = new SharedRows({ environments, tables: [] } as unknown as HeldPartitions)
    expect(await rows.share(1, 'own').catch((error: Problem) => error.code)).to.equal('disk_full')
    expect(rows.sharing(1)).to.equal('none')
    isFull = false
    await rows.share(1, 'own')
    expect(rows.sharing(1)).to.equal('own')
    expect(written).to.include('second')
  })
})
