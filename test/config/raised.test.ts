import { expect } from 'chai'
import { withNode } from '../support/node.js'

describe('a limit that is raised', () => {
  it('holds wherever it is the limit: contracts have none of their own beside it', () =>
    withNode(
      async ({ ok, post }) => {
        const columns = (length: number) =>
          Array.from({ length }, (_, index) => ({ name: `c${index}`, indexed: false }))
        const wide = (length: number) => ({ operation: 'create_table', primary_key: 'c0', columns: columns(length) })
        await ok({ ...wide(4200), table: 'wide' })
        expect((await post({ ...wide(4301), table: 'wider' })).body).to.include({ code: 'too_many' })
        await ok({ operation: 'create_table', table: 'visits', kind: 'events', columns: [{ name: 'page' }] })
        const start = 'def on_insert():\n    return\n#'
        const trigger = (length: number) => ({
          ...{ operation: 'create_trigger', table: 'visits', trigger: 'long' },
          script: start.padEnd(length, 'x'),
        })
        await ok(trigger(100_000))
        expect((await post(trigger(100_001))).body).to.include({ code: 'script_limit' })
      },
      { 'catalog.columns_max': '4300', 'events.script_characters_max': '100000' },
    ))
})
