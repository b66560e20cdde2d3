import { readdirSync, readFileSync } from 'node:fs'

/** A process, told apart from a later one with the same number by the moment it started. */
export interface ProcessIdentity {
  pid: number
  /** As the kernel counts; '' where the system does not tell. */
  started: string
}

/** The process that has this number now. */
export function identityOfProcess(pid: number): ProcessIdentity {
  return { pid, started: statOf(pid).started }
}

/** Whether the process itself still runs, not a later one of its number, nor what is left of it for its parent. */
export function isRunning({ pid, started }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const { state, started: now } = statOf(pid)
  if (isZombie(pid, state)) return false
  return now === '' || started === '' || now === started
}

/** State and start time of a process (fields 3 and 22 of /proc/PID/stat), each '' where the system does not tell. */
function statOf(pid: number): { state: string; started: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', started: fields[19] ?? '' }
  } catch {
    return { state: '', started: '' }
  }
}

/**
 * Whether a process has ended and only waits for its parent to ask how: where nobody asks, as the first process of many
 * containers, it stays for ever. With a thread that still writes it has not ended.
 */
function isZombie(pid: number, state: string): boolean {
  try {
    return (state === 'Z' || state === 'X') && readdirSync(`/proc/${pid}/task`).length <= 1
  } catch {
    return true // gone meanwhile
  }
}
