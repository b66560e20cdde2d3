// Asks the node in this container whether it is alive: at the address and port, and with or without TLS, as it is set to.
import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { loadConfig } from '../dist/src/config/index.js'

const { host, port, tls } = loadConfig({ environment: process.env }).http
const isEverywhere = host === '0.0.0.0' || host === '::'
const asked = { host: isEverywhere ? '127.0.0.1' : host, port, path: '/health' }
// Whose certificate it is does not matter to a node that asks itself.
const ask = tls.certificate === '' ? plain(asked) : secure({ ...asked, rejectUnauthorized: false })
ask.on('response', ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
ask.on('error', () => process.exit(1))
ask.end()
