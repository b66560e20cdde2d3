// Builds what is old and runs a built program: node scripts/run.mjs dist/bench/records.js --rows 20000
import { build, install, root } from './prepare.mjs'

install()
build()
process.chdir(root)
const [program, ...args] = process.argv.slice(2)
process.argv = [process.argv[0], program, ...args]
await import(`../${program}`)
