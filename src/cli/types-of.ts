import type { Schema } from '../contracts/index.js'

/** The JSON types that a schema allows; none when it allows every type. */
export function typesOf(schema: Schema, common: ReadonlyMap<string, Schema>): string[] {
  const seen = resolve(schema, common)
  if (seen.type !== undefined) return [seen.type].flat()
  if (Array.isArray(seen['enum']))
    return [...new Set(seen['enum'].map((value) => (value === null ? 'null' : typeof value)))]
  if ('const' in seen) return [typeof seen['const']]
  const choices = (seen['oneOf'] ?? seen['anyOf']) as Schema[] | undefined
  if (!choices) return []
  const all = choices.map((choice) => typesOf(choice, common))
  return all.some((types) => types.length === 0) ? [] : [...new Set(all.flat())]
}

/** The shared shape that a schema names, or the schema itself. */
export function resolve(schema: Schema, common: ReadonlyMap<string, Schema>): Schema {
  const [, file, pointer] = /([^/]+\.json)(?:#\/?(.*))?$/.exec(schema.$ref ?? '') ?? []
  if (file === undefined) return schema
  let found: unknown = common.get(`../../common/${file}`) ?? {}
  for (const name of (pointer ?? '').split('/').filter(Boolean)) found = (found as Record<string, unknown>)[name] ?? {}
  return { ...(found as Schema), ...schema, $ref: undefined as never }
}
