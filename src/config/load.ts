import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { ErrorObject, Options, ValidateFunction } from 'ajv/dist/2020.js'
import type { Config } from '../generated/config.js'
import { didYouMean, onFirstUse, packageOnFirstUse, parseYaml } from '../lib/index.js'
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
/** Loaded when the first configuration is checked: the command line asks for the names of settings only. */
const ajv = packageOnFirstUse<typeof import('ajv/dist/2020.js')>('ajv/dist/2020.js')
/** Checks a whole configuration, fills in its defaults and reads values as the types that settings have. */
const wholeCheck = onFirstUse(() => compiled({ useDefaults: true, coerceTypes: true, allErrors: false }))
/** A file has types of its own: what is read as another one there is a mistake, as an empty value or a number for a password. */
const fileCheck = onFirstUse(() => compiled({}))
/** Larger files are no settings; YAML takes long to read when it is made to. */
const FILE_BYTES_MAX = 65_536
/** The bit of a file's mode that lets everybody read it. */
const READABLE_BY_ALL = 0o004
/** Where settings that the environment or a flag has fixed come from, by configuration and path. */
const origins = new WeakMap<object, ReadonlyMap<string, string>>()
/** What set_configuration has stored, in the data folder: path → value. */
export const STORED_FILE = 'settings.json'

/**
 * The configuration of a node: defaults, then the YAML file (`--config FILE` or TRELLIS_CONFIG), then what
 * set_configuration has stored in the data folder, then the environment, then flags (`--http.port 9925` or `--http.port=9925`). Throws a ConfigError that names an unknown or wrong setting.
 */
export function loadConfig(options: { environment?: NodeJS.ProcessEnv; flags?: readonly string[] } = {}): Config {
  const flags = parseFlags(options.flags ?? [])
  const environment = options.environment ?? {}
  const file = flags.get('config') ?? environment[CONFIG_FILE_ENVIRONMENT]
  flags.delete('config')
  const tree: Tree = file === undefined || file === '' ? {} : readFile(file)
  const fixed = new Map<string, string>()
  const later: Tree = {}
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('TRELLIS_') || name === CONFIG_FILE_ENVIRONMENT || CLIENT_ENVIRONMENT.includes(name)) continue
    const setting = byEnvironment.get(name)
    if (!setting && isServiceLink(name, value)) continue
    if (!setting)
      throw new ConfigError(`Unknown environment variable ${name}.${didYouMean(name, byEnvironment.keys())}`)
    set(later, setting.path, value ?? '', setting.type)
    fixed.set(setting.path, `the environment variable ${name}`)
  }
  for (const [path, value] of flags) {
    const setting = byPath.get(path)
    if (!setting) throw new ConfigError(`Unknown flag --${path}.${didYouMean(path, byPath.keys())}`)
    set(later, path, value, setting.type)
    fixed.set(path, `the flag --${path}`)
  }
  const folder = later['data_dir'] ?? tree['data_dir'] ?? byPath.get('data_dir')!.default
  for (const [path, value] of readStored(String(folder), fixed)) put(tree, path, value)
  for (const path of fixed.keys()) put(tree, path, valueAt(later, path))
  const config = checkTree(tree)
  origins.set(config, fixed)
  return config
}

/**
 * Kubernetes tells every container of the services beside it, in variables named after them: those of a service that
 * is called trellis, or trellis-hub, are nobody's mistake.
 */
function isServiceLink(name: string, value = ''): boolean {
  if (/_SERVICE_HOST$/.test(name)) return isIP(value) !== 0
  if (/_SERVICE_PORT(_[A-Z0-9_]+)?$/.test(name) || /_PORT_\d+_(TCP|UDP|SCTP)_PORT$/.test(name))
    return /^\d+$/.test(value)
  if (/_PORT_\d+_(TCP|UDP|SCTP)_ADDR$/.test(name)) return isIP(value) !== 0
  if (/_PORT_\d+_(TCP|UDP|SCTP)_PROTO$/.test(name)) return /^(tcp|udp|sctp)$/.test(value)
  return /_PORT(_\d+_(TCP|UDP|SCTP))?$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value)
}

/** Fills in defaults and checks a tree of settings in place; throws a ConfigError. */
export function checkTree(tree: Tree): Config {
  const validate = wholeCheck()
  if (!validate(tree)) throw new ConfigError(explain(validate.errors![0]!))
  for (const { path, environment } of settings) {
    const value = valueAt(tree, path)
    if (typeof value === 'number' && value > Number.MAX_SAFE_INTEGER)
      throw new ConfigError(`Setting ${path} (${environment}) must be <= ${Number.MAX_SAFE_INTEGER}.`)
  }
  const { headers_timeout_ms: headers, request_timeout_ms: request, tls, cors_origins } = tree['http'] as Config['http']
  if ((tls.certificate === '') !== (tls.key === ''))
    throw new ConfigError('http.tls.certificate and http.tls.key must be set together.')
  // A request has its headers in it: node would end it before they may be late.
  if (request < headers)
    throw new ConfigError(`http.request_timeout_ms (${request}) must be at least http.headers_timeout_ms (${headers}).`)
  const nobodys = cors_origins.find((origin) => !isOrigin(origin))
  if (nobodys !== undefined)
    throw new ConfigError(
      `http.cors_origins: '${nobodys}' is not what a browser says of a page: https://app.example, in small letters, without a path or the usual port; *: every one.`,
    )
  return tree as unknown as Config
}

/** Whether a browser may say this of a page; one that is written in another way would never be met. */
function isOrigin(text: string): boolean {
  if (text === '*' || text === 'null') return true
  if (/^https?:/i.test(text)) return URL.canParse(text) && new URL(text).origin === text
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(text)
}

/** The settings that the environment or a flag has fixed: path → where. */
export function originsOf(config: Config): ReadonlyMap<string, string> {
  return origins.get(config) ?? new Map()
}

export function valueAt(tree: object, path: string): unknown {
  return path.split('.').reduce<unknown>((place, name) => (place as Tree | undefined)?.[name], tree)
}

/** Sets one setting in a tree and answers the tree. */
export function withValue(tree: Tree, path: string, value: unknown): Tree {
  put(tree, path, value)
  return tree
}

/** A test checks the schema itself; here that would be the longest step of a start, and improving code that runs once the next. */
function compiled(options: Options): ValidateFunction {
  const { Ajv2020 } = ajv()
  return new Ajv2020({ ...options, strict: false, validateSchema: false, code: { optimize: false } }).compile(
    configSchema,
  )
}

/** What is stored, but what is fixed elsewhere: that helps where it cannot be used, as with an older or a newer version. */
function readStored(folder: string, fixed: ReadonlyMap<string, string>): [string, unknown][] {
  const file = join(folder, STORED_FILE)
  if (!existsSync(file)) return []
  const stored = entriesOf(file).filter(([path]) => byPath.has(path) && !fixed.has(path))
  const tree: Tree = {}
  for (const [path, value] of stored) put(tree, path, value)
  const validate = fileCheck()
  if (!validate(tree))
    throw new ConfigError(`${explain(validate.errors![0]!)} (set_configuration has stored it in ${file})`)
  return stored
}

function entriesOf(file: string): [string, unknown][] {
  try {
    return Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Tree)
  } catch (error) {
    throw new ConfigError(`The stored settings ${file} cannot be read: ${(error as Error).message}`)
  }
}

function parseFlags(args: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>()
  for (let index = 0; index < args.length; index++) {
    const [, path, inline] = /^--([\w.-]+)(?:=(.*))?$/s.exec(args[index]!) ?? []
    if (path === undefined)
      throw new ConfigError(`Unexpected argument '${args[index]}': settings are given as --path value.`)
    if (path === 'help')
      throw new ConfigError('Settings are given as --path value: `npx trellis start --help` lists them all.')
    const value = inline ?? args[++index]
    if (value === undefined) throw new ConfigError(`Flag --${path} needs a value.`)
    flags.set(path, value)
  }
  return flags
}

function readFile(file: string): Tree {
  if (!existsSync(file)) throw new ConfigError(`The configuration file ${file} does not exist.`)
  const { text, mode } = textOf(file)
  const content = parsed(file, text)
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new ConfigError(`The configuration file ${file} must hold settings as 'name: value' lines.`)
  const validateFile = fileCheck()
  if (!validateFile(content)) throw new ConfigError(`${explain(validateFile.errors![0]!)} (${file})`)
  const secret = settings.find(({ path, secret }) => secret && (valueAt(content, path) ?? '') !== '')
  if (secret && process.platform !== 'win32' && mode & READABLE_BY_ALL)
    throw new ConfigError(
      `The configuration file ${file} holds ${secret.path} and everybody may read it: chmod 600 ${file}, or give the secret as ${secret.environment}.`,
    )
  return content as Tree
}

function textOf(file: string): { text: string; mode: number } {
  try {
    const handle = openSync(file, 'r')
    try {
      const bytes = Buffer.alloc(FILE_BYTES_MAX + 1)
      let length = 0
      for (let read = -1; read !== 0 && length < bytes.length; length += read)
        read = readSync(handle, bytes, length, bytes.length - length, null)
      if (length > FILE_BYTES_MAX)
        throw new ConfigError(`The configuration file ${file} is larger than ${FILE_BYTES_MAX} bytes.`)
      return { text: bytes.toString('utf8', 0, length), mode: fstatSync(handle).mode }
    } finally {
      closeSync(handle)
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`The configuration file ${file} cannot be read: ${(error as Error).message}`)
  }
}

function parsed(file: string, text: string): unknown {
  try {
    return parseYaml(text) ?? {}
  } catch (error) {
    throw new ConfigError(`The configuration file ${file} is not valid YAML: ${(error as Error).message}`)
  }
}

function set(tree: Tree, path: string, value: string, type: string | undefined): void {
  // Blanks alone would be read as 0.
  put(tree, path, type === 'array' ? itemsOf(value) : type === 'string' ? value : value.trim())
}

/** Items separated by commas; or a list as JSON, as the defaults are shown. An address like [::1] is none. */
function itemsOf(value: string): unknown[] {
  if (/^\s*\[\s*("|\])/.test(value)) {
    try {
      return JSON.parse(value) as unknown[]
    } catch {
      // Told of by what its pieces are.
    }
  }
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function put(tree: Tree, path: string, value: unknown): void {
  const names = path.split('.')
  const last = names.pop()!
  let place = tree
  for (const name of names) place = (place[name] ??= {}) as Tree
  place[last] = value
}

function explain(error: ErrorObject): string {
  const path = error.instancePath.slice(1).replaceAll('/', '.')
  if (error.keyword === 'additionalProperties') {
    const name = (error.params as { additionalProperty: string }).additionalProperty
    const full = path === '' ? name : `${path}.${name}`
    if (byPath.has(full))
      return `Write setting ${full} as names within names, one a line: ${full.replaceAll('.', ': ')}: value.`
    const groups = [...byPath.keys()].map((known) => known.slice(0, known.lastIndexOf('.')))
    return `Unknown setting ${full}.${didYouMean(full, [...byPath.keys(), ...groups])}`
  }
  const allowed =
    error.keyword === 'enum' ? `: ${(error.params as { allowedValues: unknown[] }).allowedValues.join(', ')}` : ''
  const setting = byPath.get(path)
  if (error.keyword === 'type' && error.params['type'] === 'object')
    return `'${path}' is a group of settings: write them below it, indented.`
  return `Setting ${path} (${setting?.environment ?? path}) ${error.message}${allowed}.`
}
