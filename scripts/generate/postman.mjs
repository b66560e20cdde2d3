// docs/postman.json: a Postman collection (v2.1) with a folder for each group and every example with its saved reply.

export function postman({ contracts, problems }) {
  const groups = [...new Set(contracts.map(({ group }) => group))]
  const collection = {
    info: {
      name: 'TrellisDB',
      description: 'Every operation of TrellisDB with its examples. Set base_url, username and password first.',
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: { type: 'basic', basic: [pair('username', '{{username}}'), pair('password', '{{password}}')] },
    variable: [pair('base_url', 'http://127.0.0.1:9925'), pair('username', 'admin'), pair('password', '')],
    item: groups.map((group) => ({
      name: group,
      item: contracts
        .filter((contract) => contract.group === group)
        .map((contract) => operationFolder(contract, problems)),
    })),
  }
  return new Map([['docs/postman.json', `${JSON.stringify(collection, null, 1)}\n`]])
}

const pair = (key, value) => ({ key, value, type: 'string' })

function operationFolder(contract, problems) {
  return {
    name: contract.operation,
    description: `${contract.summary}\n\n${contract.description}`,
    item: contract.examples.flatMap((example) => requests(contract, example, problems)),
  }
}

/** What an example needs first stands before it, so that a folder runs from top to bottom. */
function requests(contract, example, problems) {
  const before = (example.given ?? []).map(({ operation, ...request }) =>
    item(`${example.title}: first ${operation}`, operation, request),
  )
  const main = item(example.title, contract.operation, example.request)
  const status = example.problem ? problems[example.problem].status : 200
  const body = example.problem
    ? { code: example.problem, title: problems[example.problem].title, status }
    : example.response
  main.response = [
    {
      name: example.title,
      originalRequest: main.request,
      code: status,
      status: status === 200 ? 'OK' : problems[example.problem].title,
      _postman_previewlanguage: 'json',
      header: [{ key: 'Content-Type', value: 'application/json' }],
      body: JSON.stringify(body, null, 2),
    },
  ]
  const check = `pm.test('status is ${status}', () => pm.response.to.have.status(${status}))`
  main.event = [{ listen: 'test', script: { type: 'text/javascript', exec: [check] } }]
  if (example.as === 'nobody') main.request.auth = { type: 'noauth' }
  return [...before, main]
}

function item(name, operation, request) {
  return {
    name,
    request: {
      method: 'POST',
      header: [{ key: 'Content-Type', value: 'application/json' }],
      body: {
        mode: 'raw',
        raw: JSON.stringify({ operation, ...request }, null, 2),
        options: { raw: { language: 'json' } },
      },
      url: '{{base_url}}/',
    },
  }
}
