import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Contract } from '../contracts/index.js'
import { assert } from '../lib/index.js'
import type { Operation } from './operation.js'

const folder = fileURLToPath(new URL('../../operations', import.meta.url))

/** The handler of every contract. The folder is the registry: a contract without a handler, or the reverse, is a bug. */
export async function loadHandlers(contracts: readonly Contract[]): Promise<Map<string, Operation>> {
  const handlers = new Map<string, Operation>()
  for (const group of readdirSync(folder, { withFileTypes: true })) {
    if (!group.isDirectory()) continue
    for (const file of readdirSync(join(folder, group.name))) {
      if (!file.endsWith('.js')) continue
      const module = (await import(pathToFileURL(join(folder, group.name, file)).href)) as { default: Operation }
      assert(`${module.default.name}.js` === file, `operations/${group.name}/${file} handles the operation of its name`)
      handlers.set(module.default.name, module.default)
    }
  }
  for (const { operation, group } of contracts)
    assert(handlers.has(operation), `the contract ${group}/${operation} has a handler`)
  assert(handlers.size === contracts.length, 'every handler has a contract')
  return handlers
}
