import { type Needs, operation } from '../../src/api/index.js'
import { withoutSecrets } from '../../src/config/index.js'

export default operation('get_configuration', (_, { config }: Needs<'config'>) => ({
  ...withoutSecrets(config),
}))
