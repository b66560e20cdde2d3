import { mkdirSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Problem } from '../lib/index.js'

/** Where in the data folder the environment lies. */
export const RECORDS = 'records'
/** Stands in a folder while a backup is being restored into it: what is beside it is not whole. */
export const RESTORING = '.restoring'

/** What a failure of the file system says of a folder, for whoever has named it. */
const REASONS: Record<string, string> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'its file system cannot be written to',
  ENOTDIR: 'it is, or lies below, something that is not a folder',
  EEXIST: 'a link there leads nowhere',
  ENOENT: 'no folder can be made there',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOSPC: 'its disk is full',
  EDQUOT: 'its disk is full',
}

/**
 * Makes a folder that is missing, and those above it. Where the system makes none, as in /proc, the recursive way of
 * Node tries for ever.
 * @throws Problem data_folder_unusable
 */
export function makeFolder(path: string): void {
  usable(path, () => {
    const missing: string[] = []
    for (let folder = resolve(path); isMissing(folder); folder = dirname(folder)) missing.push(folder)
    for (const folder of missing.reverse()) make(folder)
  })
}

/** @throws Problem data_folder_unusable where a backup is being restored, or was until that was cut off */
export function refuseRestoring(folder: string): void {
  const reason = 'a backup is being restored into it, or that was cut off and is to be done again'
  const place = join(folder, RESTORING)
  if (usable(folder, () => !isMissing(place) && !isEmptied(place, folder)))
    throw new Problem('data_folder_unusable', { folder, reason })
}

/** Removes what a restore has left that was cut off behind its last step but one: the records are in their place. */
function isEmptied(place: string, folder: string): boolean {
  if (isMissing(join(folder, RECORDS))) return false
  try {
    rmdirSync(place)
    return true
  } catch {
    return false
  }
}

/** Does something in a data folder. @throws Problem data_folder_unusable where the file system refuses it */
export function usable<T>(folder: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    const { code, message, syscall } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    throw new Problem('data_folder_unusable', { folder, reason: REASONS[code ?? ''] ?? message })
  }
}

function isMissing(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false }) === undefined
}

function make(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process was faster; else something without an end has the name, as a link that leads nowhere.
    if (isMissing(folder)) throw error
  }
}
