import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { fileErrorOf, Problem } from '../lib/index.js'
import { end, headerOf, paddingOf, read } from './tar.js'

/** What a backup tells of itself: its first file. */
export interface Manifest {
  /** Of this file format. */
  format: 1
  /** Version of the program that made it. */
  version: string
  node: string
  /** The incarnation of the folder that was copied. */
  incarnation: string
  /** When it was made: milliseconds since 1970. */
  taken: number
}

export const MANIFEST = 'manifest.json'
/** The last file: `sha256sum -c SHA256SUMS` checks a backup that was unpacked with tar. */
const SUMS = 'SHA256SUMS'
/** Hashed and sent in one go, while nobody else is served: a part of a millisecond. */
const PIECE_BYTES = 1 << 17
/** What the parts of a backup may be called: nothing leads out of the folder that it is unpacked to. */
const NAME = /^(?:[a-z0-9][a-z0-9._-]*\/)*[a-z0-9][a-z0-9._-]*$/i
/** Longest manifest or list of sums. */
const TEXT_BYTES_MAX = 1 << 20

/** A folder as a tar file in pieces: the manifest, every file, and the sums of all. */
export async function* pack(folder: string, manifest: Manifest): AsyncGenerator<Uint8Array> {
  const sums: string[] = []
  const text = Buffer.from(`${JSON.stringify(manifest)}\n`)
  yield* file(MANIFEST, text.length, [text], manifest.taken, sums)
  for (const path of await filesIn(folder)) {
    const name = relative(folder, path).split(sep).join('/')
    const { size } = await stat(path)
    const bytes = createReadStream(path, { highWaterMark: PIECE_BYTES, end: Math.max(0, size - 1) })
    yield* file(name, size, size === 0 ? [] : bytes, manifest.taken, sums)
  }
  const list = Buffer.from(sums.join(''))
  yield* file(SUMS, list.length, [list], manifest.taken, [])
  yield end
}

async function* file(
  name: string,
  size: number,
  bytes: Iterable<Buffer> | AsyncIterable<Buffer>,
  modified: number,
  sums: string[],
): AsyncGenerator<Uint8Array> {
  yield headerOf({ name, size }, modified)
  const hash = createHash('sha256')
  for await (const piece of bytes) {
    hash.update(piece)
    yield piece
  }
  yield paddingOf(size)
  sums.push(`${hash.digest('hex')}  ${name}\n`)
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

/** Unpacks a backup into a folder and compares every sum. Answers its manifest. @throws Problem backup_damaged, disk_full */
export async function unpack(chunks: AsyncIterable<Uint8Array>, folder: string): Promise<Manifest> {
  const found = new Map<string, string>()
  let manifest: Manifest | undefined
  for await (const { entry, bytes } of read(chunks)) {
    const { name, size } = entry
    if (found.has(SUMS)) throw damaged('something stands behind its sums')
    if (!NAME.test(name) || found.has(name)) throw damaged(`it holds a file of the name '${name}'`)
    if (name === MANIFEST || name === SUMS) {
      if (size > TEXT_BYTES_MAX) throw damaged(`its ${name} is too long`)
      const text = await textOf(bytes)
      if (name === MANIFEST) manifest = manifestIn(text)
      else compare(text, found)
      found.set(name, sumOf(text))
    } else {
      if (!manifest) throw damaged('it does not begin with a manifest')
      found.set(name, await store(bytes, join(folder, name)))
    }
  }
  if (!manifest || !found.has(SUMS)) throw damaged('it ends too early')
  return manifest
}

function damaged(reason: string): Problem {
  return new Problem('backup_damaged', { reason })
}

function manifestIn(text: string): Manifest {
  try {
    const manifest = JSON.parse(text) as Manifest
    if (manifest.format === 1) return manifest
  } catch {}
  throw damaged('its manifest is of a kind that this version does not know')
}

function compare(sums: string, found: ReadonlyMap<string, string>): void {
  const wanted = new Map(
    sums
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  )
  for (const [name, sum] of found)
    if (wanted.get(name) !== sum) throw damaged(`its file ${name} has another sum than it should`)
  for (const name of wanted.keys()) if (!found.has(name)) throw damaged(`its file ${name} is missing`)
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

async function textOf(bytes: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

async function store(bytes: AsyncIterable<Buffer>, path: string): Promise<string> {
  const hash = createHash('sha256')
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await using file = await open(path, 'wx', 0o600)
  try {
    for await (const piece of bytes) {
      hash.update(piece)
      await file.appendFile(piece)
    }
    await file.sync()
  } catch (error) {
    throw fileErrorOf(error)
  }
  return hash.digest('hex')
}
