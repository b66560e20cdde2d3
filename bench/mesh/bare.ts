import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type NatsConnection } from 'nats'

const STREAM = 'BARE'
const ANSWER_MS_MAX = 10_000
/** Messages under way: of one record each, and of batches. */
const IN_FLIGHT_MAX = { one: 300, batch: 16 }

/** So many records, in messages of `batch`. */
interface Load {
  count: number
  batch: number
}

const connectToLeaf = (folder: string): Promise<NatsConnection> => {
  const { accounts, listen } = JSON.parse(readFileSync(join(folder, 'mesh', 'leaf.conf'), 'utf8'))
  const { password, user } = accounts.DATA.users[0]
  return connect({ servers: listen, user, pass: password })
}

/** Puts messages into a stream of this node's leaf as soon as somebody reads it; answers when the first went. */
export async function publishBare(folder: string, { batch, count }: Load, text: (from: number) => string) {
  const connection = await connectToLeaf(folder)
  try {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout: ANSWER_MS_MAX })
    await manager.streams.add({ name: STREAM, subjects: ['bare'] })
    while ((await manager.streams.info(STREAM)).state.consumer_count === 0) await delay(5)
    const js = connection.jetstream({ timeout: ANSWER_MS_MAX })
    const most = batch === 1 ? IN_FLIGHT_MAX.one : IN_FLIGHT_MAX.batch
    const open = new Set<Promise<unknown>>()
    const began = process.hrtime.bigint()
    for (let id = 0; id < count; id += batch) {
      const one: Promise<unknown> = js.publish('bare', text(id)).then(() => open.delete(one))
      open.add(one)
      if (open.size >= most) await Promise.race(open)
    }
    await Promise.all(open)
    return began
  } finally {
    await connection.close()
  }
}

/** Reads that stream of node a through this node's leaf; answers when the last message was here. */
export async function readBare(folder: string, { batch, count }: Load) {
  const connection = await connectToLeaf(folder)
  try {
    const manager = await connection.jetstreamManager({ domain: 'a', checkAPI: false, timeout: ANSWER_MS_MAX })
    while (!(await manager.streams.info(STREAM).catch(() => undefined))) await delay(5)
    const consumer = await connection.jetstream({ domain: 'a', timeout: ANSWER_MS_MAX }).consumers.get(STREAM)
    let left = Math.ceil(count / batch)
    for await (const _ of await consumer.consume({ max_messages: batch === 1 ? 1_000 : 16 })) if (--left === 0) break
    return process.hrtime.bigint()
  } finally {
    await connection.close()
  }
}
