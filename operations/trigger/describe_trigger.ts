import { type Needs, operation } from '../../src/api/index.js'

export default operation('describe_trigger', (place, { triggers }: Needs<'triggers'>) => triggers.describe(place))
