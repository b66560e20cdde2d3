// npm test: prepares what is missing and runs every test, or the ones named: npm test -- dist/test/http/*.test.js
// Files run beside each other; those named *.alone.test.js, which compare times, run by themselves at the end.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { build, install, root } from './prepare.mjs'

/** More than the two cores that we count on: much of the time tests wait. In full the hostile ones measure. */
const JOBS = process.env.HOSTILE === 'full' ? 1 : 3
const isAlone = (file) => file.endsWith('.alone.test.js')
/** Those that take longest begin first, so that none is left to run alone at the end. */
const LONGEST = [
  'cluster/faults',
  'operations/killed-repeats',
  'jobs/kill',
  'cluster/events',
  'documents/postman',
  'pyql/oracle',
  'cluster/replication',
  'storage/kill',
  'cluster/failures',
  'cluster/agreement',
  'crash/crash',
  'hostile/every-operation',
  'cli/import',
]

install()
if (process.env.CI) rmSync(join(root, 'dist'), { recursive: true, force: true })
build()
process.chdir(root)
await import('./source-maps.mjs')
const { default: Mocha } = await import('mocha')
const settings = JSON.parse(readFileSync('.mocharc.json', 'utf8'))

const files = testsNamed(process.argv.slice(2))
const started = performance.now()
const beside = longestFirst(files.filter((file) => !isAlone(file)))
const runs = [await run(beside, JOBS), await run(files.filter(isAlone), 1)]
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

function longestFirst(files) {
  const rank = new Map(LONGEST.map((name, place) => [resolve('dist/test', `${name}.test.js`), place]))
  const of = (file) => rank.get(file) ?? LONGEST.length
  return files.toSorted((one, other) => of(one) - of(other))
}

/** Runs so many test files at a time; how many tests passed and were left out, and which failed. */
async function run(paths, jobs) {
  const outcome = { passing: 0, pending: 0, failing: [] }
  if (paths.length === 0) return outcome
  const mocha = new Mocha({ ...settings, parallel: jobs > 1, jobs, reporter: 'spec' })
  for (const path of paths) mocha.addFile(path)
  if (jobs === 1) await mocha.loadFilesAsync()
  const failures = await new Promise((end) => {
    mocha
      .run(end)
      .on('pass', () => outcome.passing++)
      .on('pending', () => outcome.pending++)
      .on('fail', (test, error) => {
        const file = test.file ?? error?.file
        const reason = String(error?.message ?? error).split('\n')[0]
        outcome.failing.push(`${file ? `${relative(root, file)}: ` : ''}${test.fullTitle()}: ${reason}`)
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
