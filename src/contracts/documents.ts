import { readFileSync } from 'node:fs'

const read = new Map<string, Record<string, unknown>>()

/** A generated document of the interface, read once: docs/openapi.json or docs/postman.json. */
export function document(name: 'openapi' | 'postman'): Record<string, unknown> {
  let found = read.get(name)
  if (!found) {
    found = JSON.parse(readFileSync(new URL(`../../../docs/${name}.json`, import.meta.url), 'utf8')) as Record<
      string,
      unknown
    >
    read.set(name, found)
  }
  return found
}
