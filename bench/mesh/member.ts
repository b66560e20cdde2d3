// A node of the mesh's bench as a process of its own. What it is told to write it writes itself, as a handler does: the
// door is measured elsewhere, and whoever drives the bench is to cost nothing.
import { setTimeout as delay } from 'node:timers/promises'
import type { TrellisNode } from '../../src/node.js'
import { onNode } from '../../test/support/node.js'
import { publishBare, readBare } from './bare.js'
import type { Order, Reply } from './pair.js'

const [folder = '', settings = '{}'] = process.argv.slice(2)
const payload = 'x'.repeat(100)
const rows = (from: number, count: number) =>
  Array.from({ length: count }, (_, place) => ({ id: from + place, name: `name ${from + place}`, payload }))
const milliseconds = (time: bigint) => Number(time) / 1e6
/** On the clock that all processes of a machine share. */
const now = () => milliseconds(process.hrtime.bigint())

const write = ({ services }: TrellisNode, table: string, from: number, count: number) =>
  services.tables.transact({ user: 'bench' }, (batch) => batch.insert('dev', table, rows(from, count)))

/** Writes all as fast as it goes; answers when it began and when it ended. */
async function fill(node: TrellisNode, { batch, count, table }: Order): Promise<number[]> {
  const began = now()
  const open = new Set<Promise<unknown>>()
  for (let from = 0; from < count; from += batch) {
    const one: Promise<unknown> = write(node, table, from, batch).then(() => open.delete(one))
    open.add(one)
    if (open.size >= (batch === 1 ? 256 : 4)) await Promise.race(open)
  }
  await Promise.all(open)
  return [began, now()]
}

/** Writes one record a millisecond; answers for each when it was given and when it was on disk, one after the other. */
async function pace(node: TrellisNode, { count, table }: Order): Promise<number[]> {
  const times: number[] = []
  const writes: Promise<void>[] = []
  const began = now()
  for (let id = 0; id < count; id++) {
    while (now() < began + id) await delay(1)
    times[id * 2] = now()
    const one = write(node, table, id, 1).then(() => {
      times[id * 2 + 1] = now()
    })
    writes.push(one)
  }
  await Promise.all(writes)
  return times
}

/** Looks every millisecond for the next record, as a reader would find it; answers when each was there. */
async function look({ services }: TrellisNode, { count, table }: Order): Promise<number[]> {
  const times: number[] = []
  while (times.length < count) {
    using snapshot = services.tables.snapshot()
    const reader = snapshot.table('dev', table)
    while (times.length < count && reader?.get(times.length)) times.push(now())
    await delay(1)
  }
  return times
}

/** Answers when the table has so many records. */
async function hold({ services }: TrellisNode, { count, table }: Order): Promise<number[]> {
  for (;;) {
    using snapshot = services.tables.snapshot()
    if ((snapshot.table('dev', table)?.count() ?? 0) >= count) return [now()]
    await delay(5)
  }
}

const work: Record<Order['what'], (node: TrellisNode, order: Order) => Promise<number[]>> = {
  fill,
  pace,
  look,
  hold,
  publish: async (_, order) => [
    milliseconds(await publishBare(folder, order, (from) => JSON.stringify(rows(from, order.batch)))),
  ],
  read: async (_, order) => [milliseconds(await readBare(folder, order))],
}

await onNode(
  folder,
  async ({ node, url }) => {
    const reply = (answer: Reply) => process.send!(answer)
    process.on('message', ({ id, order }: { id: number; order: Order }) => {
      work[order.what](node, order).then(
        (times) => reply({ id, times }),
        (error: unknown) => reply({ id, error: String(error) }),
      )
    })
    reply({ url })
    await new Promise((resolve) => process.once('disconnect', resolve))
  },
  JSON.parse(settings) as Record<string, string>,
)
process.exit(0)
