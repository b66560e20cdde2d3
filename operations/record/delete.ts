import { type Needs, operation } from '../../src/api/index.js'

export default operation('delete', (request, { writes }: Needs<'writes'>, call) => writes.delete(request, call))
