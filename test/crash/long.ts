// The long crash trial: npm run test:crash -- [--seconds 600] [--seed 1] [--callers 16]
import { parseArgs } from 'node:util'
import { crashTrial } from './trial.js'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' },
    callers: { type: 'string', default: '16' },
  },
})

const { counts, failures, kinds } = await crashTrial({
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  callers: Number(values.callers),
  lifeMsMax: 5_000,
  say: (line) => console.log(line),
})
console.log(JSON.stringify({ seed: Number(values.seed), ...counts, kinds }, undefined, 2))
console.log(failures.length === 0 ? 'All well' : `${failures.length} FAILURES`)
process.exit(failures.length === 0 ? 0 : 1)
