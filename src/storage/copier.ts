// A process of its own that copies LMDB environments: see environment-copies.ts.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { open, type RootDatabase } from 'lmdb'
import type { CopierAnswer, CopierRequest, EnvironmentCopy } from './environment-copies.js'

/** Address space beyond the file, which may grow between the opening of an environment and the beginning of its copy. */
const GROWTH_BYTES = 1 << 30
const LOOK_MS = 1
/** What LMDB calls the file of an environment in a folder. */
const DATA = 'data.mdb'

interface Source {
  readonly root: RootDatabase
  readonly to: string
  readonly file: string
}

async function opened({ from, to }: EnvironmentCopy): Promise<Source> {
  const isFolder = (await stat(from)).isDirectory()
  const fileIn = (path: string) => (isFolder ? join(path, DATA) : path)
  const mapSize = 2 * (await stat(fileIn(from))).size + GROWTH_BYTES
  return { root: open({ path: from, noSubdir: !isFolder, readOnly: true, mapSize }), to, file: fileIn(to) }
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
  for (const { root } of sources) await root.close()
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
