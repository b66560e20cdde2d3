import { existsSync, readFileSync } from 'node:fs'
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import type { Config } from '../generated/config.js'
import { didYouMean } from '../lib/index.js'
import { configSchema, settings } from './settings.js'

/** A configuration that cannot be used; the message says what to change and where. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** Environment names that belong to the command line's client side, not to a node. */
const CLIENT_ENVIRONMENT = ['TRELLIS_URL', 'TRELLIS_USERNAME', 'TRELLIS_PASSWORD', 'TRELLIS_TOKEN']
const CONFIG_FILE_ENVIRONMENT = 'TRELLIS_CONFIG'

type Tree = { [key: string]: unknown }
const byPath = new Map(settings.map((setting) => [setting.path, setting]))
const byEnvironment = new Map(settings.map((setting) => [setting.environment, setting]))
const ajv = new Ajv2020({ useDefaults: true, coerceTypes: true, allErrors: false, strict: false })
const validate = ajv.compile<Config>(configSchema)

/**
 * The configuration of a node: defaults, then the YAML file (`--config FILE` or TRELLIS_CONFIG), then the environment,
 * then flags (`--http.port 9925` or `--http.port=9925`). Throws a ConfigError that names an unknown or wrong setting.
 */
export function loadConfig(options: { environment?: NodeJS.ProcessEnv; flags?: readonly string[] } = {}): Config {
  const flags = parseFlags(options.flags ?? [])
  const environment = options.environment ?? {}
  const file = flags.get('config') ?? environment[CONFIG_FILE_ENVIRONMENT]
  flags.delete('config')
  const tree: Tree = file === undefined || file === '' ? {} : readFile(file)
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('TRELLIS_') || name === CONFIG_FILE_ENVIRONMENT || CLIENT_ENVIRONMENT.includes(name)) continue
    const setting = byEnvironment.get(name)
    if (!setting)
      throw new ConfigError(`Unknown environment variable ${name}.${didYouMean(name, byEnvironment.keys())}`)
    set(tree, setting.path, value ?? '', setting.type)
  }
  for (const [path, value] of flags) {
    const setting = byPath.get(path)
    if (!setting) throw new ConfigError(`Unknown flag --${path}.${didYouMean(path, byPath.keys())}`)
    set(tree, path, value, setting.type)
  }
  if (!validate(tree)) throw new ConfigError(explain(validate.errors![0]!))
  const tls = tree['http'] as Config['http']
  if ((tls.tls.certificate === '') !== (tls.tls.key === ''))
    throw new ConfigError('http.tls.certificate and http.tls.key must be set together.')
  return tree
}

function parseFlags(args: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>()
  for (let index = 0; index < args.length; index++) {
    const [, path, inline] = /^--([\w.-]+)(?:=(.*))?$/s.exec(args[index]!) ?? []
    if (path === undefined)
      throw new ConfigError(`Unexpected argument '${args[index]}': settings are given as --path value.`)
    const value = inline ?? args[++index]
    if (value === undefined) throw new ConfigError(`Flag --${path} needs a value.`)
    flags.set(path, value)
  }
  return flags
}

function readFile(file: string): Tree {
  if (!existsSync(file)) throw new ConfigError(`The configuration file ${file} does not exist.`)
  let content: unknown
  try {
    content = parse(readFileSync(file, 'utf8')) ?? {}
  } catch (error) {
    throw new ConfigError(`The configuration file ${file} is not valid YAML: ${(error as Error).message}`)
  }
  if (typeof content !== 'object' || Array.isArray(content))
    throw new ConfigError(`The configuration file ${file} must hold settings as 'name: value' lines.`)
  return content as Tree
}

function set(tree: Tree, path: string, value: string, type: string | undefined): void {
  const names = path.split('.')
  const last = names.pop()!
  let place = tree
  for (const name of names) place = (place[name] ??= {}) as Tree
  place[last] =
    type === 'array'
      ? value
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== '')
      : value
}

function explain(error: ErrorObject): string {
  const path = error.instancePath.slice(1).replaceAll('/', '.')
  if (error.keyword === 'additionalProperties') {
    const name = (error.params as { additionalProperty: string }).additionalProperty
    const full = path === '' ? name : `${path}.${name}`
    return `Unknown setting ${full}.${didYouMean(full, byPath.keys())}`
  }
  const allowed =
    error.keyword === 'enum' ? `: ${(error.params as { allowedValues: unknown[] }).allowedValues.join(', ')}` : ''
  const setting = byPath.get(path)
  return `Setting ${path} (${setting?.environment ?? path}) ${error.message}${allowed}.`
}
