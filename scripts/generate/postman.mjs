// docs/postman.json: a Postman collection (v2.1) with a folder for each group and every example with its saved reply.
import { shown } from './schemas.mjs'

const DESCRIPTION = `Every operation of TrellisDB with its examples and their saved replies.

1. Set the variables base_url, username and password of this collection.
2. Send a request. Its saved replies show what comes, problems too.

To run the whole collection as a test, use a node that you can throw away and set start_from_nothing to true: each example then starts by dropping every database.`

const JSON_HEADER = [{ key: 'Content-Type', value: 'application/json' }]

/** Before an example of a run on a throw-away node: what earlier examples left is dropped. */
const RESET = `if (pm.variables.get('start_from_nothing') === 'true') {
  const post = (body, then) => pm.sendRequest({
    url: pm.variables.get('base_url') + '/', method: 'POST', body: { mode: 'raw', raw: JSON.stringify(body) },
    header: { 'Content-Type': 'application/json', Authorization: 'Basic ' + btoa(pm.variables.get('username') + ':' + pm.variables.get('password')) },
  }, (error, response) => { if (error) throw error; then(response.json()) })
  const drop = ([database, ...rest]) => database && post({ operation: 'drop_database', database }, () => drop(rest))
  post({ operation: 'describe_all' }, (databases) => drop(Object.keys(databases)))
}`

export function postman({ contracts, problems, replies }) {
  const groups = [...new Set(contracts.map(({ group }) => group))]
  const resets = contracts.some(({ operation }) => operation === 'drop_database')
  const collection = {
    info: {
      name: 'TrellisDB',
      description: DESCRIPTION,
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: { type: 'basic', basic: [pair('username', '{{username}}'), pair('password', '{{password}}')] },
    variable: [
      pair('base_url', 'http://127.0.0.1:9925'),
      pair('username', 'admin'),
      pair('password', ''),
      pair('operation_token', ''),
      pair('refresh_token', ''),
      pair('start_from_nothing', 'false'),
    ],
    item: groups.map((group) => ({
      name: group,
      item: contracts
        .filter((contract) => contract.group === group)
        .map((contract) => operationFolder(contract, { problems, replies }, resets)),
    })),
  }
  return new Map([['docs/postman.json', `${JSON.stringify(collection, null, 1)}\n`]])
}

const pair = (key, value) => ({ key, value, type: 'string' })

function operationFolder(contract, known, resets) {
  return {
    name: contract.operation,
    description: [contract.summary, contract.description, fieldList(contract)].filter(Boolean).join('\n\n'),
    item: contract.examples.map((example) => exampleItem(contract, example, known, resets)),
  }
}

function fieldList({ request }) {
  const required = new Set(request.required ?? [])
  return Object.entries(request.properties ?? {})
    .map(([name, { description = '' }]) =>
      `- \`${name}\`${required.has(name) ? ' (required)' : ''} ${description}`.trimEnd(),
    )
    .join('\n')
}

/** One request, or a folder of what must be there first and the request. */
function exampleItem(contract, example, known, resets) {
  const main = mainRequest(contract, example, known)
  const before = (example.given ?? []).map(({ operation, ...request }) =>
    plainRequest(`First: ${operation}`, operation, request),
  )
  const start = resets ? [event('prerequest', RESET)] : []
  if (before.length === 0) return { ...main, event: [...start, ...main.event] }
  before[0].event = [...start, ...before[0].event]
  return { name: example.title, item: [...before, main] }
}

function mainRequest(contract, example, { problems, replies }) {
  const problem = example.problem && { code: example.problem, ...problems[example.problem] }
  const status = problem ? problem.status : 200
  // What a node answered: examples hold it, of problems a file of its own, which the tests of the examples record.
  const reply = problem ? replies[contract.operation]?.[example.title] : shown(example.response)
  const main = plainRequest(example.title, contract.operation, example.request)
  main.event = [event('test', checks(contract, status, reply, problem))]
  main.response = [
    {
      name: example.title,
      originalRequest: structuredClone(main.request),
      code: status,
      status: problem ? problem.title : 'OK',
      _postman_previewlanguage: 'json',
      header: [{ key: 'Content-Type', value: problem ? 'application/problem+json' : 'application/json' }],
      body: JSON.stringify(reply, null, 2),
    },
  ]
  if (example.as === 'nobody') main.request.auth = { type: 'noauth' }
  return main
}

function checks({ operation }, status, reply, problem) {
  const lines = [`pm.test('status is ${status}', () => pm.response.to.have.status(${status}))`]
  const fields =
    problem || Array.isArray(reply) || typeof reply !== 'object' || reply === null ? [] : Object.keys(reply)
  if (problem)
    lines.push(
      `pm.test('the problem is ${problem.code}', () => pm.expect(pm.response.json().code).to.equal('${problem.code}'))`,
    )
  else if (fields.length > 0)
    lines.push(
      `pm.test('has the fields of the saved reply', () => pm.expect(pm.response.json()).to.include.all.keys(${JSON.stringify(fields)}))`,
    )
  if (operation === 'create_authentication_tokens' && !problem)
    lines.push(
      "for (const name of ['operation_token', 'refresh_token']) pm.collectionVariables.set(name, pm.response.json()[name])",
    )
  return lines.join('\n')
}

function event(listen, script) {
  return { listen, script: { type: 'text/javascript', exec: script.split('\n') } }
}

function plainRequest(name, operation, request) {
  const ok = event('test', "pm.test('is done', () => pm.expect(pm.response.code).to.be.below(300))")
  return {
    name,
    event: [ok],
    request: {
      method: 'POST',
      header: JSON_HEADER,
      body: {
        mode: 'raw',
        raw: JSON.stringify({ operation, ...request }, null, 2),
        options: { raw: { language: 'json' } },
      },
      url: '{{base_url}}/',
    },
  }
}
