// npm test: prepares what is missing and runs every test, or the ones named: npm test -- dist/test/http/*.test.js
// Files run two at a time, each in a process; those named *.alone.test.js, which compare times, run by themselves at the end.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { build, install, root } from './prepare.mjs'

const JOBS = 2
const isAlone = (file) => file.endsWith('.alone.test.js')

install()
if (process.env.CI) rmSync(join(root, 'dist'), { recursive: true, force: true })
build()
process.chdir(root)
process.execArgv.push('--enable-source-maps') // for the processes that mocha starts with the flags of this one
process.setSourceMapsEnabled(true)
const { default: Mocha } = await import('mocha')
const settings = JSON.parse(readFileSync('.mocharc.json', 'utf8'))

const files = testsNamed(process.argv.slice(2))
const started = performance.now()
const runs = [
  await run(
    files.filter((file) => !isAlone(file)),
    { parallel: true, jobs: JOBS },
  ),
  await run(files.filter(isAlone), {}),
]
process.exit(sumUp(runs) ? 0 : 1)

/** The tests that paths name, in which * stands for any text; all when none is named. */
function testsNamed(paths) {
  const all = readdirSync('dist/test', { recursive: true }).filter((path) => path.endsWith('.test.js'))
  const tests = all.map((path) => resolve('dist/test', path)).sort()
  if (paths.length === 0) return tests
  const patterns = paths.map((path) => {
    const parts = resolve(path)
      .split('*')
      .map((part) => part.replace(/[^\w/]/g, '\\$&'))
    return new RegExp(`^${parts.join('.*')}$`)
  })
  return tests.filter((test) => patterns.some((pattern) => pattern.test(test)))
}

/** Runs test files; how many tests passed and were left out, and which failed. */
async function run(paths, options) {
  const outcome = { passing: 0, pending: 0, failing: [] }
  if (paths.length === 0) return outcome
  const mocha = new Mocha({ ...settings, ...options, reporter: 'spec' })
  for (const path of paths) mocha.addFile(path)
  if (!options.parallel) await mocha.loadFilesAsync()
  const failures = await new Promise((end) => {
    mocha
      .run(end)
      .on('pass', () => outcome.passing++)
      .on('pending', () => outcome.pending++)
      .on('fail', (test, error) => {
        const file = test.file ?? error?.file
        outcome.failing.push(`${file ? `${relative(root, file)}: ` : ''}${test.fullTitle()}`)
      })
  })
  if (failures > outcome.failing.length) outcome.failing.push(`${failures - outcome.failing.length} more`)
  return outcome
}

/** Says how all runs together went; whether all is well. */
function sumUp(outcomes) {
  const sum = (key) => outcomes.reduce((total, outcome) => total + outcome[key], 0)
  const failing = outcomes.flatMap((outcome) => outcome.failing)
  console.log(`In all, in ${Math.round((performance.now() - started) / 1000)} s:\n`)
  console.log(`  ${sum('passing')} passing`)
  if (sum('pending') > 0) console.log(`  ${sum('pending')} pending`)
  console.log(`  ${failing.length} failing\n`)
  for (const title of failing) console.log(`  failed: ${title}`)
  return failing.length === 0 && sum('passing') > 0
}
