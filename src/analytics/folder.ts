import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Problem } from '../lib/index.js'
import { environmentFile } from './keys.js'

const FORMAT_FILE = 'format.json'
const ENVIRONMENTS_MAX = 8

/** The number of environments of a folder, fixed when it is made, which is now if it is not there. */
export function environmentsOf(folder: string): number {
  const path = join(folder, FORMAT_FILE)
  if (existsSync(path)) {
    const { format, environments } = JSON.parse(readFileSync(path, 'utf8')) as { format: number; environments: number }
    if (format !== 1)
      throw new Problem('invalid_request', { reason: `The event data in ${folder} has the unknown format ${format}.` })
    return environments
  }
  const environments = Math.min(availableParallelism(), ENVIRONMENTS_MAX)
  mkdirSync(folder, { recursive: true })
  describeFolder(folder, environments)
  return environments
}

/** Makes a folder of so many environments one that can be opened. */
export function describeFolder(folder: string, environments: number): void {
  writeFileSync(join(folder, FORMAT_FILE), `${JSON.stringify({ format: 1, environments })}\n`)
}

/** The files of the environments that are there; there are none before the first event table. */
export function filesOf(folder: string, environments: number): string[] {
  const all = Array.from({ length: environments }, (_, number) => environmentFile(number))
  return all.filter((file) => existsSync(join(folder, file)))
}
