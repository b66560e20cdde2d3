import { lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { open, realpath, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Problem } from '../lib/index.js'
import {
  beginIncarnation,
  makeFolder,
  RECORDS,
  RESTORING,
  Storage,
  type StorageSettings,
  usable,
} from '../storage/index.js'
import { type Manifest, unpack } from './archive.js'

export interface RestoreOptions {
  backup: AsyncIterable<Uint8Array>
  /** The new data folder: it must not exist, or be empty. */
  folder: string
  settings: StorageSettings
}

/** What stands in the root of a file system that is new. */
const OF_FILE_SYSTEM = 'lost+found'
/** What comes to its place before the records. */
const FIRST = ['events', 'restored']

/**
 * Makes a data folder from a backup. It is one when every sum is right and it knows that it is a copy: it has an
 * incarnation of its own. @throws Problem backup_damaged, folder_not_empty, data_folder_unusable
 */
export async function restoreFolder({
  backup,
  folder,
  settings,
}: RestoreOptions): Promise<Manifest & { restoredAs: string }> {
  const place = await placeOf(folder)
  await rm(place.partial, { recursive: true, force: true })
  try {
    usable(folder, () => mkdirSync(place.partial, { mode: 0o700 }))
    const manifest = await unpack(backup, place.partial)
    // What keeps a place of its own in the data, as replication does, learns from this file that the place is old.
    await writeFile(join(place.partial, 'restored'), `${JSON.stringify(manifest)}\n`)
    const restoredAs = await begin(place.partial, settings, manifest)
    await place.finish()
    return { ...manifest, restoredAs }
  } catch (error) {
    await rm(place.partial, { recursive: true, force: true })
    throw error
  }
}

/** Where a folder is made, and what makes it the one that was asked for. */
interface Place {
  partial: string
  finish(): Promise<void>
}

async function placeOf(folder: string): Promise<Place> {
  const named = resolve(folder)
  const target = await realpath(named).catch(() => named)
  const found = usable(folder, () => namesIn(target))
  if (!found && lstatSync(target, { throwIfNoEntry: false }))
    throw new Problem('data_folder_unusable', { folder, reason: 'a link there leads nowhere' })
  if (!found) return beside(target)
  const cutOff = [RESTORING, ...FIRST]
  if (found.length > 0 && !(found.includes(RESTORING) && found.every((name) => cutOff.includes(name))))
    throw new Problem('folder_not_empty', { folder })
  for (const name of FIRST) await rm(join(target, name), { recursive: true, force: true })
  return within(target)
}

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder).filter((name) => name !== OF_FILE_SYSTEM)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A folder that is not there yet appears under its name when it is whole. */
function beside(target: string): Place {
  makeFolder(dirname(target))
  const partial = `${target}.partial`
  const finish = async () => {
    await rename(partial, target)
    await sync(dirname(target))
  }
  return { partial, finish }
}

/**
 * One that is there may be where a file system is mounted, as the volume of a container: nothing takes its name. Until
 * all is in its place no node opens it, and what was cut off is begun again.
 */
function within(target: string): Place {
  const partial = join(target, RESTORING)
  const finish = async () => {
    // The records last: with them the folder is whole.
    for (const name of [...FIRST, RECORDS]) await rename(join(partial, name), join(target, name))
    await rmdir(partial)
    await sync(target)
  }
  return { partial, finish }
}

async function sync(path: string): Promise<void> {
  await using folder = await open(path)
  await folder.sync()
}

async function begin(path: string, settings: StorageSettings, { taken }: Manifest): Promise<string> {
  await using storage = await Storage.open({ path, settings })
  return (await beginIncarnation(storage, taken)).id
}
