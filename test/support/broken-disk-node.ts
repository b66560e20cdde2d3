// A node of which the file BROKEN_FILE cannot be written any more after SIGUSR2: its descriptors lead to a file opened
// for reading. It says so on standard error: Node.js hands a signal on after the requests that arrive with it.
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'

const DESCRIPTORS = '/proc/self/fd'
const TRIES_MAX = 1000

function isBroken(descriptor: string): boolean {
  try {
    return readlinkSync(`${DESCRIPTORS}/${descriptor}`).endsWith(process.env['BROKEN_FILE']!)
  } catch {
    return false // closed since it was listed
  }
}

/** Opening takes the lowest free number: those that are too low are given back when the wanted one came. */
function replace(descriptor: number): void {
  closeSync(descriptor)
  const others: number[] = []
  for (let opened = openSync('/proc/version', 'r'); opened !== descriptor; opened = openSync('/proc/version', 'r')) {
    others.push(opened)
    if (others.length > TRIES_MAX) throw new Error(`the descriptor ${descriptor} was not given again`)
  }
  for (const other of others) closeSync(other)
}

process.on('SIGUSR2', () => {
  const descriptors = readdirSync(DESCRIPTORS).filter(isBroken)
  for (const descriptor of descriptors) replace(Number(descriptor))
  process.stderr.write(`descriptors broken: ${descriptors.length}\n`)
})
await import('../../src/main.js')
