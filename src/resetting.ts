import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openAccess } from './adapters/index.js'
import { Catalog } from './catalog/index.js'
import { type Config, ConfigError } from './config/index.js'
import { RECORDS, Storage } from './storage/index.js'

/**
 * Gives a user, by default the first super user, a new password where nobody can sign in any more: in the data folder of
 * a node that does not run. Whoever may write there may do all that the user may.
 * @throws Problem user_unknown, data_folder_in_use and those of Storage.open; ConfigError where there is no data folder
 */
export async function resetPassword(config: Config, name?: string): Promise<{ username: string; password: string }> {
  if (!existsSync(join(config.data_dir, RECORDS)))
    throw new ConfigError(`There is no data folder '${config.data_dir}': name it with --data_dir.`)
  await using storage = await Storage.open({ path: config.data_dir, settings: config.storage })
  const catalog = Catalog.open(storage, config.catalog)
  await using access = await openAccess(storage, catalog, config)
  const username = name ?? access.users.eldest()
  if (username === undefined)
    throw new ConfigError(`Nobody is in the data folder '${config.data_dir}' yet: start its node.`)
  return { username, password: await access.users.reset(username) }
}
