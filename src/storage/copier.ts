// A process of its own that copies LMDB environments: see environment-copies.ts.
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { open, type RootDatabase } from 'lmdb'
import type { CopierAnswer, CopierRequest, EnvironmentCopy } from './environment-copies.js'
import { FreeSpace } from './free-space.js'

/** Address space beyond the file, which may grow between the opening of an environment and the beginning of its copy. */
const GROWTH_BYTES = 1 << 30
const LOOK_MS = 1
/** What LMDB calls the file of an environment in a folder. */
const DATA = 'data.mdb'

/** A key that no environment has: it comes and goes. */
const FIRST = Buffer.from('the first commit of a copy')

interface Source {
  readonly root: RootDatabase
  readonly to: string
  readonly file: string
  readonly lock: string
  readonly noSubdir: boolean
}

async function opened({ from, to }: EnvironmentCopy): Promise<Source> {
  const isFolder = (await stat(from)).isDirectory()
  const fileIn = (path: string) => (isFolder ? join(path, DATA) : path)
  const mapSize = 2 * (await stat(fileIn(from))).size + GROWTH_BYTES
  const root = open({ path: from, noSubdir: !isFolder, readOnly: true, mapSize })
  return { root, to, file: fileIn(to), lock: isFolder ? join(to, 'lock.mdb') : `${to}-lock`, noSubdir: !isFolder }
}

/** LMDB takes the moment of a copy before it writes the first byte of it. */
async function copy(copies: readonly EnvironmentCopy[]): Promise<void> {
  const sources = await Promise.all(copies.map(opened))
  let isDone = false
  const hasBegun = async (file: string) => {
    while (!(isDone || (await sizeOf(file)) > 0)) await sleep(LOOK_MS)
  }
  const begun = Promise.all(sources.map(({ file }) => hasBegun(file))).then(() => tell({ begun: true }))
  await Promise.all(sources.map(({ root, to }) => root.backup(to, true)))
  isDone = true
  await begun
  for (const source of sources) {
    await source.root.close()
    await commitFirst(source)
  }
}

/**
 * LMDB crashes where the first commit in a copy without free pages changes many pages (seen with 2,000 keys), and not
 * when a small one has gone before: it is made here.
 */
async function commitFirst({ to, file, lock, noSubdir }: Source): Promise<void> {
  if (new FreeSpace(file).isShortFor(0)) throw new Error('no space left for the first commit of a copy')
  const root = open<Buffer, Buffer>({ path: to, noSubdir, encoding: 'binary', keyEncoding: 'binary' })
  await root.put(FIRST, FIRST)
  await root.remove(FIRST)
  await root.flushed
  await root.close()
  await rm(lock, { force: true })
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    () => 0,
  )
}

function tell(answer: CopierAnswer): void {
  process.send?.(answer)
}

process.on('message', (request: CopierRequest) => {
  if (request === 'are you there?') return tell({ here: true })
  copy(request.copies).then(
    () => tell({ done: true }),
    (error: Error) => tell({ failed: error.message }),
  )
})
// A node that is gone needs no copy.
process.on('disconnect', () => process.exit(1))
