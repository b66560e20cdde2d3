import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Problem } from '../lib/index.js'
import { beginIncarnation, makeFolder, Storage, type StorageSettings } from '../storage/index.js'
import { type Manifest, unpack } from './archive.js'

export interface RestoreOptions {
  backup: AsyncIterable<Uint8Array>
  /** The new data folder: it must not exist, or be empty. */
  folder: string
  settings: StorageSettings
}

/**
 * Makes a data folder from a backup. It appears under its name when every sum is right and it knows that it is a copy:
 * it has an incarnation of its own. @throws Problem backup_damaged, folder_not_empty
 */
export async function restoreFolder({
  backup,
  folder,
  settings,
}: RestoreOptions): Promise<Manifest & { restoredAs: string }> {
  const target = resolve(folder)
  const existing = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (existing && existing.length > 0) throw new Problem('folder_not_empty', { folder })
  const partial = `${target}.partial`
  makeFolder(dirname(target))
  await rm(partial, { recursive: true, force: true })
  try {
    await mkdir(partial, { mode: 0o700 })
    const manifest = await unpack(backup, partial)
    // What keeps a place of its own in the data, as replication does, learns from this file that the place is old.
    await writeFile(join(partial, 'restored'), `${JSON.stringify(manifest)}\n`)
    const restoredAs = await begin(partial, settings, manifest)
    await rename(partial, target)
    return { ...manifest, restoredAs }
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw error
  }
}

async function begin(path: string, settings: StorageSettings, { taken }: Manifest): Promise<string> {
  await using storage = await Storage.open({ path, settings })
  return (await beginIncarnation(storage, taken)).id
}
