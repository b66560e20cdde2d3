import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, realpath, rm, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, sep } from 'node:path'
import { fileErrorOf, Problem } from '../lib/index.js'

/** Tells a file from every other one that has or had its name. */
export interface FileIdentity {
  inode: string
  bytes: string
  modified: string
}

/** Who makes a file, when a process that was killed may have made it already. */
export interface Maker {
  /** Names what is not whole yet, in every process: of two who make one file at once each has its own. */
  readonly id: string
  /** What `note` was told by an earlier process. */
  readonly noted: FileIdentity | undefined
  /** Stores what the file is, before it appears under its name. */
  note(identity: FileIdentity): Promise<void>
}

/**
 * A configured folder, and the only place where callers' paths lead. A path is relative; neither .. nor a symbolic
 * link leads out, which is judged on the real path of what was opened.
 */
export class Folder {
  readonly #path: string
  readonly #setting: string

  /** `path` '' : nothing is configured, everything is refused. */
  constructor(path: string, setting: string) {
    this.#path = path
    this.#setting = setting
  }

  /** Opens a file for reading. @throws Problem folder_not_configured, path_not_allowed, file_not_found */
  async openFile(path: string): Promise<FileHandle> {
    const root = await this.#root()
    const full = join(root, this.#relative(path))
    // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
    const file = await open(full, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' || error.code === 'ENOTDIR'
        ? new Problem('file_not_found', { path })
        : new Problem('path_not_allowed', { path, reason: error.code ?? error.message })
    })
    try {
      const real = await realpath(full)
      const [opened, found] = [await file.stat(), await stat(real)]
      const same = opened.ino === found.ino && opened.dev === found.dev
      if (!same || !isInside(real, root))
        throw new Problem('path_not_allowed', { path, reason: `it leads out of ${this.#setting}` })
      if (!opened.isFile()) throw new Problem('path_not_allowed', { path, reason: 'it is not a file' })
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /**
   * Says at once why a file could not be made there, as far as that can be seen before its job makes it.
   * @throws Problem folder_not_configured, path_not_allowed, file_exists
   */
  async checkNew(path: string): Promise<void> {
    const root = await this.#root()
    await this.#refuseExisting(join(root, this.#relative(path)), path)
  }

  /**
   * Makes a file that appears under its name when it is complete. `write` gets the open file; what it throws removes
   * what was written. A file that `maker` has made already stays as it is.
   * @throws Problem folder_not_configured, path_not_allowed, file_exists, disk_full
   */
  async makeFile(path: string, maker: Maker, write: (file: FileHandle) => Promise<void>): Promise<void> {
    const root = await this.#root()
    const full = join(root, this.#relative(path))
    await this.#makeParents(root, dirname(full), path)
    const partial = join(dirname(full), `.${maker.id}.part`)
    const placed = <T>(step: Promise<T>) => step.catch((error: unknown) => Promise.reject(refusalOf(path, error)))
    await placed(rm(partial, { force: true })) // what a process that ended early has left
    if (maker.noted && isSame(maker.noted, await lstat(full, { bigint: true }).catch(() => undefined))) return
    await this.#refuseExisting(full, path)
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    const file = await placed(open(partial, flags, 0o600))
    try {
      await write(file)
      await file.sync()
      await maker.note(identityOf(await file.stat({ bigint: true })))
      await file.close()
      await link(partial, full).catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'EEXIST' ? new Problem('file_exists', { path }) : refusalOf(path, error)
      })
      await rm(partial)
      await syncFolder(dirname(full))
    } catch (error) {
      await file.close().catch(() => {})
      await rm(partial, { force: true })
      throw fileErrorOf(error)
    }
  }

  async #root(): Promise<string> {
    if (this.#path === '') throw new Problem('folder_not_configured', { setting: this.#setting })
    try {
      return await realpath(this.#path)
    } catch {
      throw new Problem('folder_not_configured', { setting: this.#setting })
    }
  }

  #relative(path: string): string {
    const refuse = (reason: string) => new Problem('path_not_allowed', { path, reason })
    if (path.includes('\0')) throw refuse('it holds a zero character')
    if (isAbsolute(path)) throw refuse(`it must be relative to ${this.#setting}`)
    if (path.split(/[/\\]/).includes('..')) throw refuse(`it leads out of ${this.#setting}`)
    if (/(?:^|[/\\])\.?$/.test(path)) throw refuse('it names no file')
    return path
  }

  async #makeParents(root: string, folder: string, path: string): Promise<void> {
    let existing = folder
    while (!(await lstat(existing).catch(() => undefined))) existing = dirname(existing)
    try {
      if (!isInside(await realpath(existing), root))
        throw new Problem('path_not_allowed', { path, reason: `it leads out of ${this.#setting}` })
      await mkdir(folder, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw refusalOf(path, error)
    }
  }

  async #refuseExisting(full: string, path: string): Promise<void> {
    const found = await lstat(full).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw refusalOf(path, error)
      return undefined
    })
    if (found) throw new Problem('file_exists', { path })
  }
}

/** Why no file can be made at a path, by the failure of the file system. */
function refusalOf(path: string, error: unknown): unknown {
  if (error instanceof Problem) return error
  const { code, message } = error as NodeJS.ErrnoException
  const known = fileErrorOf(error)
  return known instanceof Problem ? known : new Problem('path_not_allowed', { path, reason: code ?? message })
}

function identityOf({ ino, size, mtimeNs }: BigIntStats): FileIdentity {
  return { inode: String(ino), bytes: String(size), modified: String(mtimeNs) }
}

function isSame(noted: FileIdentity, found: BigIntStats | undefined): boolean {
  if (!found) return false
  const { inode, bytes, modified } = identityOf(found)
  return noted.inode === inode && noted.bytes === bytes && noted.modified === modified
}

function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
