// npm test: prepares what is missing and runs every test, or the ones named: npm test -- dist/test/http/*.test.js
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { build, install, root } from './prepare.mjs'

install()
if (process.env.CI) rmSync(join(root, 'dist'), { recursive: true, force: true })
build()
const files = process.argv.slice(2)
const { status } = spawnSync(
  process.execPath,
  ['node_modules/mocha/bin/mocha.js', ...(files.length > 0 ? files : ['dist/test/**/*.test.js'])],
  {
    cwd: root,
    stdio: 'inherit',
  },
)
process.exit(status ?? 1)
