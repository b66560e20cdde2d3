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

/** What does each kind of request. */
const handlers: { readonly [Kind in Request['kind']]: (request: Request & { readonly kind: Kind }) => unknown } = {
  schema: ({ table }) => owner.held.useTable(table),
  figures: ({ table }) => owner.figures(table),
  fold: ({ table }) => owner.folds.fold(table),
  drop: ({ table }) => owner.drop(table),
  sizes: () => owner.sizes(),
  close: () => owner[Symbol.asyncDispose](),

  insert: ({ table, origin, receipt, ...sent }) => inserter.insert(owner.held.table(table), sent, { origin, receipt }),
  atomic: ({ table, receipt, ...sent }) => inserter.insertAtomically(owner.held.table(table), sent, receipt),
  batch: ({ table, batch, origin, receipt }) => owner.insert(table, batch, { origin, receipt }),
  check: ({ table, batch, receipt }) => owner.check(table, batch, receipt),
  intend: ({ intent }) => owner.intend(intent),
  forget_receipt: ({ receipt }) => owner.receipts.forget(receipt),
  recover,

  scan,
  column: (request) => owner.questions.column(request),
  person: ({ table, person, columns }) => {
    const partition = partitionOf(person, owner.held.table(table).partitions)
    return owner.questions.person(table, person, columns, partition)
  },
  combine: ({ table, program, names, keep }) => owner.questions.combine(table, program, names, keep),
  bring_up: ({ table, names }) => owner.questions.bringUp(table, names),
  populations: ({ table }) => owner.populations.list(table),
  promote: ({ table, from, name, header }) => owner.populations.promote(table, from, name, header),
  forget: ({ table, names }) => owner.populations.forget(table, names),

  watch: ({ table, watched }) => owner.reacting.watch(table, watched),
  react: (request) => owner.reacting.react(request),
  reacted: ({ seen }) => owner.reacting.reacted(seen),

  share: ({ table, sharing }) => owner.shared.share(table, sharing),
  outgoing: ({ charactersMax }) => owner.shared.outgoing(charactersMax),
  copy: ({ table, charactersMax, ...from }) => owner.shared.copy(table, from, charactersMax),
  digests: ({ table, partition, buckets }) => owner.shared.digests(table, partition, buckets),
  contents: ({ table, partition, buckets, bucket }) => owner.shared.contents(table, partition, buckets, bucket),

  pause_writes: () => owner.pauseWrites(),
  resume_writes: () => owner.resumeWrites(),
  forget_dead_readers: () => owner.forgetDeadReaders(),
  sweep: ({ tables }) => owner.sweep(tables),
  adopt: ({ folder, environments, from, table }) => adopt(owner.held, folder, environments, from, table),

  places: () => owner.moves.readPlaces(),
  use_places: ({ moved }) => owner.moves.usePlaces(moved),
  place: ({ moved }) => owner.moves.place(moved),
  copy_start: ({ table, partition }) => owner.moves.copyStart(table, partition),
  copy_next: ({ table, partition }) => owner.moves.copyNext(table, partition),
  copy_rest: ({ table, partition }) => owner.moves.copyRest(table, partition),
  copy_end: ({ table, partition }) => owner.moves.copyEnd(table, partition),
  clear: ({ place }) => owner.moves.clear(place),
  expect: ({ place }) => owner.moves.expect(place),
  arrived: ({ place }) => owner.moves.arrived(place),
  take: ({ place, pieces }) => owner.moves.take(place, pieces),
  take_memory: ({ table, partition, memory }) => owner.moves.takeMemory(table, partition, memory),
}

async function handle(request: Request): Promise<unknown> {
  return (handlers[request.kind] as (request: Request) => unknown)(request)
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
