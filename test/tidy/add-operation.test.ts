import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'

const CONTRACT = {
  $schema: '../../contract.json',
  operation: 'add_numbers',
  summary: 'Adds two numbers.',
  since: '0.1.0',
  description: 'Shows that an operation is a contract and a handler.',
  access: 'public',
  runs_on: 'here',
  alias: [{ route: 'GET /sum/{a}/{b}' }],
  request: {
    type: 'object',
    additionalProperties: false,
    required: ['a', 'b'],
    properties: { a: { type: 'number', description: 'One.' }, b: { type: 'number', description: 'The other.' } },
  },
  response: {
    type: 'object',
    additionalProperties: false,
    required: ['sum'],
    properties: { sum: { type: 'number', description: 'Their sum.' } },
  },
  problems: [],
  examples: [{ title: 'One and two', request: { a: 1, b: 2 }, response: { sum: 3 } }],
}
const HANDLER = `import { operation } from '../../src/api/index.js'

export default operation('add_numbers', ({ a, b }) => ({ sum: a + b }))
`

describe('adding an operation', () => {
  it('takes a contract, npm run generate and a handler, and nothing else', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'trellis-add-'))
    try {
      for (const path of ['package.json', 'tsconfig.json', 'schemas', 'scripts', 'src', 'operations', 'docs'])
        cpSync(path, join(copy, path), { recursive: true })
      symlinkSync(resolve('node_modules'), join(copy, 'node_modules'))
      writeFileSync(join(copy, 'schemas/operations/system/add_numbers.json'), JSON.stringify(CONTRACT))
      writeFileSync(join(copy, 'operations/system/add_numbers.ts'), HANDLER)
      const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: copy, stdio: 'pipe' })
      run('scripts/generate.mjs')
      run('node_modules/typescript/bin/tsc', '-b')
      expect(await answers(copy)).to.deep.equal([{ sum: 3 }, { sum: 5 }])
      expect(readFileSync(join(copy, 'docs/operations/README.md'), 'utf8')).to.include('add_numbers')
      expect(readFileSync(join(copy, 'docs/openapi.json'), 'utf8')).to.include('"/sum/{a}/{b}"')
      expect(readFileSync(join(copy, 'docs/postman.json'), 'utf8')).to.include('add_numbers')
      expect(String(run('dist/src/cli/main.js', 'help', 'add_numbers'))).to.include('Adds two numbers.')
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  })
})

/** What a node of the copy says to the operation and to its route. */
async function answers(copy: string): Promise<unknown[]> {
  const node = spawn(process.execPath, ['dist/src/main.js', '--http.port=0', `--data_dir=${join(copy, 'data')}`], {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    const [line] = (await once(node.stdout, 'data')) as [Buffer]
    const url = line.toString().trim().split(' ').at(-1)!
    const posted = await fetch(url, { method: 'POST', body: '{"operation":"add_numbers","a":1,"b":2}' })
    const routed = await fetch(`${url}/sum/2/3`)
    return [await posted.json(), await routed.json()]
  } finally {
    node.kill('SIGKILL')
    await once(node, 'exit')
  }
}
