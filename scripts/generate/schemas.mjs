// Reads schemas/ for the generators, in a fixed order.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const json = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** { root, contracts (with group), common (file name → schema), problems, replies, config } */
export function readSchemas(root) {
  const folder = join(root, 'schemas')
  const contracts = readdirSync(join(folder, 'operations'))
    .sort()
    .flatMap((group) =>
      readdirSync(join(folder, 'operations', group))
        .filter((file) => file.endsWith('.json'))
        .sort()
        .map((file) => ({
          changes: false,
          alias: [],
          also_called: [],
          also_named: {},
          target: {},
          ...json(join(folder, 'operations', group, file)),
          group,
        })),
    )
  const common = new Map(
    readdirSync(join(folder, 'common'))
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((file) => [file, json(join(folder, 'common', file))]),
  )
  return {
    root,
    contracts,
    common,
    problems: json(join(folder, 'problems.json')),
    replies: json(join(folder, 'problem-replies.json')),
    config: json(join(folder, 'config.json')),
  }
}

/** The shared shape behind a schema's $ref, or the schema itself. */
export function resolve(schema, common) {
  const file = /^\.\.\/\.\.\/common\/(.+\.json)$/.exec(schema?.$ref ?? '')?.[1]
  if (!file) return schema
  const { $ref, ...own } = schema
  return { ...common.get(file), ...own }
}

/** An example's answer as documents show it: '<any:…>' gives way to what it stands for. */
export function shown(value) {
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shown(item)]))
  const text = typeof value === 'string' ? /^<any(?::([\s\S]*))?>$/.exec(value) : null
  if (!text) return value
  try {
    return JSON.parse(text[1])
  } catch {
    return text[1] ?? '…'
  }
}
