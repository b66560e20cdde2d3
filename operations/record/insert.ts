import { type Needs, operation } from '../../src/api/index.js'

export default operation('insert', (request, { writes }: Needs<'writes'>, call) => writes.insert(request, call))
