import { onNode } from '../support/node.js'
import { crashSettings } from './crash-settings.js'

/** Inserts one person after the other until it is killed, and says who was acknowledged. */
const [folder = '', first = '0'] = process.argv.slice(2)
await onNode(
  folder,
  async (node) => {
    for (let person = Number(first); ; person++) {
      const events = [{ person: `p${person}`, stamp: 1_600_000_000 + person, action: 'buy', _: {} }]
      await node.ok({ operation: 'insert_events', database: 'shop', table: 'visits', events })
      process.stdout.write(`${person}\n`)
    }
  },
  crashSettings,
)
