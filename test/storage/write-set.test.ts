import { expect } from 'chai'
import { Storage } from '../../src/storage/index.js'
import { LATER, WriteSet } from '../../src/storage/write-set.js'
import { withFolder } from '../support/store.js'

const SETTINGS = { map_bytes: 2 ** 30, readers_max: 64, group_bytes_max: 2 ** 20 }
const MANY = 300
const keys = Array.from({ length: MANY }, (_, n) => `${(n * 7919) % MANY}`)

describe('what a group writes', () => {
  it('is put in order where it is many keys without values, and keeps its order where a later change counts', () =>
    withFolder(async (path) => {
      await using storage = await Storage.open({ path, settings: SETTINGS })
      const space = storage.keyspace('test')
      const written = (changes: readonly (readonly [string, string | undefined])[]) => {
        const set = new WriteSet()
        for (const [key, value] of changes) set.set(space, key, value)
        const visited: (readonly [string, string | undefined])[] = []
        set.forEachToWrite((_, key, value) => visited.push([key, value]))
        return visited
      }
      const entries = keys.map((key) => [key, ''] as const)
      expect(written([...entries, ['waits', LATER]])).to.deep.equal([...entries].sort())
      const changed = [...entries, ['7', undefined], ['7', ''], ['8', undefined]] as const
      expect(written(changed)).to.deep.equal(changed)
      const withValues = [...entries, ['7', 'value']] as const
      expect(written(withValues)).to.deep.equal(withValues)
    }))
})
