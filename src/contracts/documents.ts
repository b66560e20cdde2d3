import { readFileSync } from 'node:fs'
import { JsonText } from '../lib/index.js'

const read = new Map<string, JsonText>()

/** A generated document of the interface, read once: docs/openapi.json or docs/postman.json. */
export function document(name: 'openapi' | 'postman'): JsonText {
  let found = read.get(name)
  if (!found) {
    found = new JsonText(readFileSync(new URL(`../../../docs/${name}.json`, import.meta.url), 'utf8'))
    read.set(name, found)
  }
  return found
}
