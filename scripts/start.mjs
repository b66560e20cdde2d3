// npm start: prepares what is missing and starts a node; flags go to it: npm start -- --http.port 9926
import { build, install, root } from './prepare.mjs'

install()
build()
process.chdir(process.env.INIT_CWD ?? root)
await import('../dist/src/main.js')
