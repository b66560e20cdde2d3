import { readFileSync } from 'node:fs'
import { Content } from '../lib/index.js'

const read = new Map<string, Content>()

/**
 * A generated document of the interface: docs/openapi.json or docs/postman.json. Read once, and kept as bytes: a text of
 * a megabyte would be encoded for every caller anew, while everybody waits.
 */
export function document(name: 'openapi' | 'postman'): Content {
  let found = read.get(name)
  if (!found) {
    const bytes = readFileSync(new URL(`../../../docs/${name}.json`, import.meta.url))
    read.set(name, (found = new Content('application/json; charset=utf-8', bytes)))
  }
  return found
}
