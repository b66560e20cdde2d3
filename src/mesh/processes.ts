import { readFile, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { Problem } from '../lib/index.js'
import { readIfThere, writePrivate } from './files.js'

/** A process, told apart from a later one with the same number by the moment it started. */
interface Identity {
  pid: number
  started: string
}

/** Field 22 of /proc/PID/stat; empty where there is no /proc, or no such process. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function read(path: string): Promise<Identity | undefined> {
  const text = await readIfThere(path)
  const [pid, started] = (text ?? '').trim().split(' ')
  return Number(pid) > 0 ? { pid: Number(pid), started: started ?? '' } : undefined
}

async function stillRuns({ pid, started }: Identity): Promise<boolean> {
  return isAlive(pid) && (started === '' || (await startOf(pid)) === started)
}

export async function writePid(path: string, pid: number): Promise<void> {
  await writePrivate(path, `${pid} ${await startOf(pid)}\n`)
}

/**
 * Takes the folder of a store for this process. nats-server itself takes no lock: two servers on one store
 * start happily and destroy it.
 * @throws Problem mesh_store_locked when another living process holds it
 */
export async function lockStore(path: string): Promise<AsyncDisposable> {
  const holder = await read(path)
  if (holder && holder.pid !== process.pid && (await stillRuns(holder))) {
    throw new Problem('mesh_store_locked', { path, pid: holder.pid })
  }
  await writePid(path, process.pid)
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
}

/** Ends a server that outlived an earlier parent: only a process that runs with our configuration file. */
export async function endOrphan(pidFile: string, configuration: string): Promise<number | undefined> {
  const orphan = await read(pidFile)
  if (!orphan || !(await stillRuns(orphan))) return undefined
  const command = await readFile(`/proc/${orphan.pid}/cmdline`, 'utf8').catch(() => '')
  if (!command.split('\0').includes(configuration)) return undefined
  process.kill(orphan.pid, 'SIGKILL')
  while (isAlive(orphan.pid) && (await startOf(orphan.pid)) === orphan.started) await delay(5)
  return orphan.pid
}
