import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { assert } from '../lib/index.js'
import { createScan, type PartialResult } from '../pyql/index.js'
import { adopt } from './adoption.js'
import type { Batch, Outcome } from './batch.js'
import { Channel, Handed } from './channel.js'
import { Inserter, type Owners } from './inserter.js'
import { Owner } from './owner.js'
import type { Intent, Notice, Request, ScanRequest, WorkerStart } from './protocol.js'
import { partitionOf } from './schema.js'

/** A worker thread of the event store: see DESIGN.md. */
const start = workerData as WorkerStart
assert(parentPort !== null, 'the worker runs in a thread')
const main = new Channel(parentPort, handle)
const owner = new Owner(start, createScan, ({ facts }) => void main.call({ kind: 'failed', facts } satisfies Notice))
const peers = new Map<number, Channel>()

const owners: Owners = {
  environments: start.environments,
  environmentOf: (table, partition) => owner.held.places.of(table, partition),
  insert: (table, environment, batch, given) =>
    owner.held.owns(environment)
      ? owner.insert(table, batch, given)
      : peer(environment).call<Outcome>({ kind: 'batch', table, environment, batch, ...given }, buffersOf(batch)),
  check: async (table, environment, batch, receipt) =>
    owner.held.owns(environment)
      ? owner.check(table, batch, receipt)
      : peer(environment).call<number[]>({ kind: 'check', table, environment, batch, receipt }),
  intend: (intent) => (owner.held.owns(0) ? owner.intend(intent) : peer(0).call({ kind: 'intend', intent })),
}
const inserter = new Inserter(owners, start.settings)

function peer(environment: number): Channel {
  const channel = peers.get(environment % start.workers)
  assert(channel !== undefined, 'every other worker can be reached')
  return channel
}

/** The buffer of a batch, which goes over whole instead of being copied. */
function buffersOf({ event }: Batch): ArrayBuffer[] {
  return [event.buffer as ArrayBuffer]
}

async function handle(request: Request): Promise<unknown> {
  switch (request.kind) {
    case 'schema':
      return owner.held.useTable(request.table)
    case 'insert': {
      const { table, origin, receipt } = request
      return inserter.insert(owner.held.table(table), request, { origin, receipt })
    }
    case 'atomic':
      return inserter.insertAtomically(owner.held.table(request.table), request, request.receipt)
    case 'batch':
      return owner.insert(request.table, request.batch, request)
    case 'check':
      return owner.check(request.table, request.batch, request.receipt)
    case 'intend':
      return owner.intend(request.intent)
    case 'forget_receipt':
      return owner.receipts.forget(request.receipt)
    case 'recover':
      return recover()
    case 'sweep':
      return owner.sweep(request.tables)
    case 'scan':
      return scan(request)
    case 'column':
      return owner.questions.column(request)
    case 'person': {
      const { partitions } = owner.held.table(request.table)
      return owner.questions.person(
        request.table,
        request.person,
        request.columns,
        partitionOf(request.person, partitions),
      )
    }
    case 'combine':
      return owner.questions.combine(request.table, request.program, request.names, request.keep)
    case 'promote':
      return owner.populations.promote(request.table, request.from, request.name, request.header)
    case 'bring_up':
      return owner.questions.bringUp(request.table, request.names)
    case 'watch':
      return owner.reacting.watch(request.table, request.watched)
    case 'react':
      return owner.reacting.react(request)
    case 'reacted':
      return owner.reacting.reacted(request.seen)
    case 'share':
      return owner.shared.share(request.table, request.sharing)
    case 'outgoing':
      return owner.shared.outgoing(request.charactersMax)
    case 'copy':
      return owner.shared.copy(request.table, request, request.charactersMax)
    case 'digests':
      return owner.shared.digests(request.table, request.partition, request.buckets)
    case 'contents':
      return owner.shared.contents(request.table, request.partition, request.buckets, request.bucket)
    case 'populations':
      return owner.populations.list(request.table)
    case 'forget':
      return owner.populations.forget(request.table, request.names)
    case 'fold':
      return owner.folds.fold(request.table)
    case 'figures':
      return owner.figures(request.table)
    case 'drop':
      return owner.drop(request.table)
    case 'pause_writes':
      return owner.pauseWrites()
    case 'resume_writes':
      return owner.resumeWrites()
    case 'forget_dead_readers':
      return owner.forgetDeadReaders()
    case 'adopt':
      return adopt(owner.held, request.folder, request.environments, request.from, request.table)
    case 'sizes':
      return owner.sizes()
    case 'places':
      return owner.moves.readPlaces()
    case 'use_places':
      return owner.moves.usePlaces(request.moved)
    case 'place':
      return owner.moves.place(request.moved)
    case 'copy_start':
      return owner.moves.copyStart(request.table, request.partition)
    case 'copy_next':
      return owner.moves.copyNext(request.table, request.partition)
    case 'copy_rest':
      return owner.moves.copyRest(request.table, request.partition)
    case 'copy_end':
      return owner.moves.copyEnd(request.table, request.partition)
    case 'clear':
      return owner.moves.clear(request.place)
    case 'expect':
      return owner.moves.expect(request.place)
    case 'arrived':
      return owner.moves.arrived(request.place)
    case 'take':
      return owner.moves.take(request.place, request.pieces)
    case 'take_memory':
      return owner.moves.takeMemory(request.table, request.partition, request.memory)
    case 'close':
      return owner[Symbol.asyncDispose]()
  }
}

async function scan(request: ScanRequest): Promise<Handed> {
  const answer = await owner.questions.scan(request)
  return new Handed(answer, answer.partials.flatMap(largeBuffersOf))
}

/** Small arrays are sooner copied than handed over. */
const HANDED_BYTES_MIN = 1 << 16

function largeBuffersOf({ parent, key, columns }: PartialResult): ArrayBuffer[] {
  const arrays = [parent, key, ...columns.flatMap((column) => Object.values(column))]
  const buffers = arrays.flatMap((array) => (ArrayBuffer.isView(array) ? [array.buffer as ArrayBuffer] : []))
  return [...new Set(buffers)].filter(({ byteLength }) => byteLength >= HANDED_BYTES_MIN)
}

/** Finishes an atomic insert that a stop has cut off. */
async function recover(): Promise<void> {
  const intent = owner.intended()
  if (!intent) return
  if (owner.held.knows(intent.table))
    await Promise.all(intent.batches.map((batch, environment) => batch && repeat(intent, environment, batch)))
  await owner.intend(undefined)
}

/** All batches of an intent lie in one buffer: what is handed over must leave it here. */
function repeat({ table, receipt }: Intent, environment: number, batch: Batch): Promise<Outcome> {
  return owner.held.owns(environment)
    ? owner.insert(table, batch, { receipt })
    : peer(environment).call<Outcome>({ kind: 'batch', table, environment, batch, receipt })
}

// Of a failed commit lmdb-js rejects promises of its own beside those of the writes, which nobody can await.
process.on('unhandledRejection', (error) => {
  if (!(error instanceof Error && 'commitError' in error)) throw error
})

parentPort.on('message', (message: { peer?: number; port?: MessagePort }) => {
  if (message.peer !== undefined && message.port) peers.set(message.peer, new Channel(message.port, handle))
})
