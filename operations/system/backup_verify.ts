import { type Needs, operation } from '../../src/api/index.js'

export default operation('backup_verify', ({ file }, { backups }: Needs<'backups'>, call) =>
  backups.startVerifying(file, call),
)
