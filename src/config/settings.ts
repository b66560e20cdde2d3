import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** One setting of schemas/config.json. */
export interface Setting {
  /** Dotted path: http.port. */
  path: string
  /** Environment name: TRELLIS_HTTP_PORT. */
  environment: string
  secret: boolean
  /** Whether a change is in force without a restart. */
  live: boolean
  description: string
  unit: string | undefined
  default: unknown
  type: string | undefined
}

interface SettingSchema {
  type?: string
  properties?: Record<string, SettingSchema>
  description?: string
  default?: unknown
  secret?: boolean
  live?: boolean
  unit?: string
}

/** The JSON Schema of the whole configuration. */
export const configSchema = JSON.parse(
  readFileSync(fileURLToPath(import.meta.resolve('#schemas/config.json')), 'utf8'),
) as SettingSchema

function* leaves(schema: SettingSchema, path: string[]): Generator<Setting> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const here = [...path, name]
    if (child.properties) yield* leaves(child, here)
    else
      yield {
        path: here.join('.'),
        environment: `TRELLIS_${here.join('_').toUpperCase()}`,
        secret: child.secret === true,
        live: child.live === true,
        description: child.description ?? '',
        unit: child.unit,
        default: child.default,
        type: child.type,
      }
  }
}

/** Every setting, in the order of the schema. */
export const settings: readonly Setting[] = [...leaves(configSchema, [])]

/** A configuration to show: secrets are replaced by whether they are set. */
export function withoutSecrets<Tree extends object>(config: Tree): Tree {
  const copy = structuredClone(config)
  for (const { path, secret } of settings) {
    if (!secret) continue
    const names = path.split('.')
    const last = names.pop()!
    const place = names.reduce<Record<string, unknown>>(
      (tree, name) => tree[name] as Record<string, unknown>,
      copy as Record<string, unknown>,
    )
    place[last] = place[last] === '' ? '' : '(set)'
  }
  return copy
}
