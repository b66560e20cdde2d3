import { type Needs, operation } from '../../src/api/index.js'

export default operation('restore_backup', (request, { backups }: Needs<'backups'>, call) =>
  backups.startRestoring(request, call),
)
