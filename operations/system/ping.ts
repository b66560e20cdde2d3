import { operation } from '../../src/api/index.js'

export default operation('ping', () => ({ message: 'pong', pong: true }))
