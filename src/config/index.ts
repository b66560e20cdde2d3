// config owns the settings of a node: defaults, file, environment and flags, checked against schemas/config.json.
export type { Config } from '../generated/config.js'
export { type Changed, LiveConfig } from './live.js'
export { ConfigError, loadConfig } from './load.js'
export { type Setting, settings, withoutSecrets } from './settings.js'
