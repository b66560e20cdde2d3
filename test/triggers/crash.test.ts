import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually } from '../support/eventually.js'
import { openHook } from '../support/hook.js'
import { onNode } from '../support/node.js'
import { runAndKill } from '../support/run-and-kill.js'
import { crashSettings } from './crash-settings.js'

const rounds = 4

const child = fileURLToPath(new URL('./crash-child.js', import.meta.url))

describe('triggers of a node that is killed at any moment', () => {
  it('lose no message of an insert that was acknowledged', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-trigger-crash-'))
    await using hook = await openHook()
    const place = { database: 'shop', table: 'visits', trigger: 'thanks' }
    const acknowledged: number[] = []
    try {
      await onNode(
        folder,
        async (node) => {
          await node.ok({ operation: 'create_table', database: 'shop', table: 'visits', kind: 'events', columns: [] })
          await node.ok({ operation: 'create_trigger', ...place, script: 'def on_insert():\n    return person\n' })
          await node.ok({
            operation: 'subscribe_trigger',
            ...place,
            subscriber: 's',
            host: '127.0.0.1',
            port: hook.port,
          })
        },
        crashSettings,
      )
      for (let round = 0; round < rounds; round++) {
        hook.status = round % 2 === 0 ? 200 : 503
        const seen = await runAndKill(child, [folder, String(round * 10_000)], { lifeMs: 100 + round * 70, least: 4 })
        acknowledged.push(...seen)
      }
      hook.status = 200
      await onNode(
        folder,
        async () => {
          const missing = () => {
            const taken = new Set(hook.taken.map(({ uid }) => uid))
            return acknowledged.filter((person) => !taken.has(`p${person}`))
          }
          await eventually('the messages of all have come', () => missing().length === 0).catch(() => {})
          expect(missing()).to.deep.equal([])
        },
        crashSettings,
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
