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

const environments: { to: string; file: string; root: RootDatabase }[] = []

async function openAll(copies: readonly EnvironmentCopy[]): Promise<void> {
  for (const { from, to } of copies) {
    const isFolder = (await stat(from)).isDirectory()
    const fileIn = (path: string) => (isFolder ? join(path, DATA) : path)
    const mapSize = 2 * (await stat(fileIn(from))).size + GROWTH_BYTES
    const root = open({ path: from, noSubdir: !isFolder, readOnly: true, mapSize })
    environments.push({ to, file: fileIn(to), root })
  }
}

/** LMDB takes the moment of a copy before it writes the first byte of it. */
async function copyAll(): Promise<void> {
  let isDone = false
  const hasBegun = async (file: string) => {
    while (!(isDone || (await sizeOf(file)) > 0)) await sleep(LOOK_MS)
  }
  const begun = Promise.all(environments.map(({ file }) => hasBegun(file))).then(() => tell({ begun: true }))
  await Promise.all(environments.map(({ to, root }) => root.backup(to, true)))
  isDone = true
  await begun
  for (const { root } of environments.splice(0)) await root.close()
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
  const work = 'open' in request ? openAll(request.open) : copyAll()
  work.then(
    () => tell('open' in request ? { opened: true } : { done: true }),
    (error: Error) => tell({ failed: error.message }),
  )
})
// A node that is gone needs no copy.
process.on('disconnect', () => process.exit(1))
