import { operation } from '../../src/api/index.js'
import { document } from '../../src/contracts/index.js'

export default operation('postman', () => document('postman'))
