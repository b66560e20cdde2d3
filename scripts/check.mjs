// npm run check: types, lint, dead code, generated files.
import { build, install, run } from './prepare.mjs'

install()
build()
run(process.execPath, ['scripts/generate.mjs', '--check'])
run(process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'])
run(process.execPath, ['node_modules/knip/bin/knip.js'])
console.error('All checks passed.')
