import { operation } from '../../src/api/index.js'

export default operation('health', () => ({ status: 'live' }))
