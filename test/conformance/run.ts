// npm run conformance -- FILE: runs the cases of a file against a node of its own and says what differs, and why.
import { readFileSync } from 'node:fs'
import { withNode } from '../support/node.js'
import { type CaseFile, CaseRunner } from './cases.js'

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('npm run conformance -- FILE: the file of cases is missing')
const file = JSON.parse(readFileSync(path, 'utf8')) as CaseFile
if (!Array.isArray(file.cases) || file.datasets === undefined) {
  throw new Error(`${path} holds no cases of events; those of records and of the mesh are run by npm test`)
}
const deviations = JSON.parse(readFileSync('test/conformance/deviations.json', 'utf8')) as Record<string, string>
const counts = { passed: 0, 'known bug of the original': 0, deviation: 0, failed: 0 }

await withNode(async (node) => {
  const runner = new CaseRunner(node, file)
  for (const one of file.cases) {
    const difference = await runner.run(one).catch((error: unknown) => (error as Error).message)
    const outcome =
      difference === undefined
        ? 'passed'
        : one.known_bug
          ? 'known bug of the original'
          : deviations[one.id] !== undefined
            ? 'deviation'
            : 'failed'
    counts[outcome]++
    if (difference === undefined) continue
    const reason = one.known_bug
      ? ` (wanted: ${one.intended ?? 'see the guide'})`
      : deviations[one.id]
        ? ` (${deviations[one.id]})`
        : ''
    console.log(`${outcome}: ${one.id} ${one.name}: ${difference}${reason}`)
  }
})
console.log(
  Object.entries(counts)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', '),
)
process.exitCode = counts.failed > 0 ? 1 : 0
