import { expect } from 'chai'
import { type Contract, readContracts, type Schema } from '../../src/contracts/index.js'
import { basic, type TestNode, withNode } from '../support/node.js'
import { HOSTILE_NAMES } from './bodies.js'

/** A super user that no example names. */
const TESTER = { username: 'tester of everything', password: 'a-password-of-testing' }
const contracts = readContracts()

const WRONG: Record<string, readonly unknown[]> = {
  string: [5, true, null, [], {}, ['text']],
  integer: ['5', 1.5, true, null, [], {}],
  number: ['5', true, null, [], {}],
  boolean: ['true', 1, null, [], {}],
  array: ['text', 5, true, null, {}, { length: 1, 0: {} }],
  object: ['text', 5, true, null, []],
}

interface Sent {
  body: string
  /** What the answer must be besides 2xx or 4xx. */
  wanted?: (answer: { status: number; body: unknown }) => boolean
}

const isRefusal = ({ status, body }: { status: number; body: unknown }) =>
  status === 400 && typeof (body as { detail?: unknown }).detail === 'string'

/** An example that succeeds, if there is one. */
function exampleOf({ examples }: Contract): Contract['examples'][number] {
  return examples.find(({ problem }) => problem === undefined) ?? examples[0]!
}

/** Requests that are wrong in one way each, from a right one. */
function* wrongRequests(contract: Contract): Generator<Sent> {
  const { operation, request: schema } = contract
  const right = exampleOf(contract).request
  const json = (fields: object) => JSON.stringify({ operation, ...fields })
  for (const missing of schema.required ?? []) {
    const { [missing]: _left, ...rest } = right
    yield { body: json(rest), wanted: (answer) => isRefusal(answer) && JSON.stringify(answer.body).includes(missing) }
  }
  yield { body: json({ ...right, bogus_field: 1 }), wanted: isRefusal }
  for (const name of ['__proto__', 'constructor', 'prototype'])
    yield { body: `${json(right).slice(0, -1)},"${name}":{"polluted":true}}`, wanted: isRefusal }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    for (const value of wrongValues(property)) yield { body: json({ ...right, [name]: value }), wanted: isRefusal }
    for (const value of [...HOSTILE_NAMES, 0, -1, 1e308, 2 ** 53 + 2, [], [[]], {}, '9'.repeat(400)])
      yield { body: json({ ...right, [name]: value }) }
    for (const raw of [
      '1e999',
      '-0',
      '9007199254740993',
      '"\\ud800"',
      '{"__proto__":{"polluted":true}}',
      '[[[[[[]]]]]]',
    ])
      yield { body: json({ ...right, [name]: '@' }).replace(`"${name}":"@"`, `"${name}":${raw}`) }
  }
}

function wrongValues(schema: Schema): readonly unknown[] {
  const types = [schema.type ?? []].flat()
  return types.length === 1 ? (WRONG[types[0]!] ?? []) : []
}

async function tryAll(node: TestNode, contract: Contract): Promise<number> {
  for (const given of exampleOf(contract).given ?? []) await node.post(given)
  let sent = 0
  const faults: string[] = []
  const queue = wrongRequests(contract)
  const worker = async () => {
    for (const { body, wanted } of queue) {
      sent++
      const answer = await node.send('POST', '/', body, { authorization: basic(TESTER) })
      const fine = answer.status < 500 && (answer.status < 300 || answer.status >= 400)
      if (!fine || (wanted && !wanted(answer)))
        faults.push(`${body.slice(0, 300)} -> ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`)
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  expect(faults.slice(0, 5), contract.operation).to.deep.equal([])
  return sent
}

describe('every operation', () => {
  for (const group of new Set(contracts.map(({ group }) => group)))
    it(`of the group ${group} answers 4xx to what is wrong, saying what, and never more than 4xx`, async () => {
      await withNode(async (node) => {
        await node.ok({ operation: 'add_user', ...TESTER, role: 'super_user' })
        let sent = 0
        for (const contract of contracts) if (contract.group === group) sent += await tryAll(node, contract)
        expect(sent).to.be.greaterThan(20)
      })
      expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined)
    })
})
