import { readFile, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { identityOfProcess, isRunning, Problem, type ProcessIdentity } from '../lib/index.js'
import { readIfThere, writePrivate } from './files.js'

async function read(path: string): Promise<ProcessIdentity | undefined> {
  const text = await readIfThere(path)
  const [pid, started] = (text ?? '').trim().split(' ')
  return Number(pid) > 0 ? { pid: Number(pid), started: started ?? '' } : undefined
}

export async function writePid(path: string, pid: number): Promise<void> {
  await writePrivate(path, `${pid} ${identityOfProcess(pid).started}\n`)
}

/**
 * Takes the folder of a store for this process. nats-server itself takes no lock: two servers on one store
 * start happily and destroy it.
 * @throws Problem mesh_store_locked when another living process holds it
 */
export async function lockStore(path: string): Promise<AsyncDisposable> {
  const holder = await read(path)
  if (holder && holder.pid !== process.pid && isRunning(holder)) {
    throw new Problem('mesh_store_locked', { path, pid: holder.pid })
  }
  await writePid(path, process.pid)
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
}

/** Ends a server that outlived an earlier parent: only a process that runs with our configuration file. */
export async function endOrphan(pidFile: string, configuration: string): Promise<number | undefined> {
  const orphan = await read(pidFile)
  if (!orphan || !isRunning(orphan)) return undefined
  const command = await readFile(`/proc/${orphan.pid}/cmdline`, 'utf8').catch(() => '')
  if (!command.split('\0').includes(configuration)) return undefined
  process.kill(orphan.pid, 'SIGKILL')
  while (isRunning(orphan)) await delay(5)
  return orphan.pid
}
