import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { openHook } from '../support/hook.js'
import { onNode } from '../support/node.js'
import { crashSettings } from './crash-settings.js'

const rounds = 4

/** Runs the child and kills it after it has been at work for a while; who was acknowledged. */
async function runAndKill(folder: string, first: number, lifeMs: number): Promise<number[]> {
  const program = fileURLToPath(new URL('./crash-child.js', import.meta.url))
  const child = spawn(process.execPath, [program, folder, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (text === '') setTimeout(() => child.kill('SIGKILL'), lifeMs)
    text += chunk.toString()
  })
  await new Promise((resolve) => child.once('close', resolve))
  return text.split('\n').slice(0, -1).map(Number)
}

describe('triggers of a node that is killed at any moment', function () {
  this.timeout(60_000)

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
        acknowledged.push(...(await runAndKill(folder, round * 10_000, 100 + round * 70)))
      }
      hook.status = 200
      await onNode(
        folder,
        async () => {
          const missing = () => {
            const taken = new Set(hook.taken.map(({ uid }) => uid))
            return acknowledged.filter((person) => !taken.has(`p${person}`))
          }
          const end = Date.now() + 10_000
          while (missing().length > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50))
          expect(missing()).to.deep.equal([])
        },
        crashSettings,
      )
      expect(acknowledged.length).to.be.above(rounds * 3)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
