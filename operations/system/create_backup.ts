import { type Needs, operation } from '../../src/api/index.js'
import { Content } from '../../src/lib/index.js'

export default operation('create_backup', ({ file }, { backups }: Needs<'backups'>, call) =>
  file === undefined ? new Content('application/x-tar', backups.stream(call.signal)) : backups.startWriting(file, call),
)
