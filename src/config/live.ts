import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../generated/config.js'
import { didYouMean, Problem } from '../lib/index.js'
import { ConfigError, checkTree, originsOf, STORED_FILE, valueAt, withValue } from './load.js'
import { type Setting, settings } from './settings.js'

/** What became of a change. */
export interface Changed {
  /** In force now. */
  live: string[]
  /** In force after the next start. */
  restart: string[]
}

const byPath = new Map(settings.map((setting) => [setting.path, setting]))
/** HarperDB writes settings with underscores only: http_port. */
const byUnderscores = new Map(settings.map((setting) => [setting.path.replaceAll('.', '_').toLowerCase(), setting]))

/** The configuration of a running node: changes are checked, stored, and put in force where that is possible. */
export class LiveConfig {
  readonly config: Config
  readonly #listeners: ((path: string) => void)[] = []

  constructor(config: Config) {
    this.config = config
  }

  /** Calls back with the path of a setting that has changed and is in force now. */
  onChange(listener: (path: string) => void): void {
    this.#listeners.push(listener)
  }

  /** Changes settings, all or none; throws `setting_invalid` or `setting_fixed`. */
  change(changes: Readonly<Record<string, unknown>>): Changed {
    const wanted = Object.entries(changes).map(([name, value]) => ({ setting: settingNamed(name), value }))
    if (wanted.length === 0)
      throw new Problem('setting_invalid', {
        reason: 'Name at least one setting to change; docs/config.md has them all.',
      })
    const checked = this.#check(wanted)
    store(join(this.config.data_dir, STORED_FILE), checked)
    const changed: Changed = { live: [], restart: [] }
    for (const [path, value] of checked) {
      const { live } = byPath.get(path)!
      changed[live ? 'live' : 'restart'].push(path)
      if (live) this.#putInForce(path, value)
    }
    return changed
  }

  #check(wanted: readonly { setting: Setting; value: unknown }[]): Map<string, unknown> {
    const origins = originsOf(this.config)
    let tree: Record<string, unknown> = structuredClone(this.config) as unknown as Record<string, unknown>
    for (const { setting, value } of wanted) {
      const origin = origins.get(setting.path)
      if (origin !== undefined) throw new Problem('setting_fixed', { setting: setting.path, origin })
      if (setting.secret || setting.path === 'data_dir')
        throw new Problem('setting_fixed', {
          setting: setting.path,
          origin: 'the environment, flags or the configuration file only',
        })
      tree = withValue(tree, setting.path, value)
    }
    try {
      checkTree(tree)
    } catch (error) {
      if (error instanceof ConfigError) throw new Problem('setting_invalid', { reason: error.message })
      throw error
    }
    return new Map(wanted.map(({ setting: { path } }) => [path, valueAt(tree, path)]))
  }

  #putInForce(path: string, value: unknown): void {
    const names = path.split('.')
    const last = names.pop()!
    const place = names.reduce<Record<string, unknown>>(
      (tree, name) => tree[name] as Record<string, unknown>,
      this.config as unknown as Record<string, unknown>,
    )
    place[last] = value
    for (const listener of this.#listeners) listener(path)
  }
}

function settingNamed(name: string): Setting {
  const found = byPath.get(name) ?? byUnderscores.get(name.toLowerCase())
  if (found) return found
  const names = name.includes('.') ? byPath.keys() : byUnderscores.keys()
  throw new Problem('setting_invalid', { reason: `Unknown setting ${name}.${didYouMean(name, names)}` })
}

/** Adds to what is stored; a reader finds the old file or the new one, whole. */
function store(file: string, changes: ReadonlyMap<string, unknown>): void {
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {}
  const handle = openSync(`${file}.new`, 'w', 0o600)
  try {
    writeSync(handle, `${JSON.stringify({ ...before, ...Object.fromEntries(changes) }, null, 2)}\n`)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(`${file}.new`, file)
}
