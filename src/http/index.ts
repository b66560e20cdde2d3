// http owns the door: Koa, bodies, limits, aliases and answers.
export { HttpServer, type HttpSettings } from './server.js'
