// The reference pages: one for each operation, the list of problems, the list of settings.
import { resolve, shown } from './schemas.mjs'

const HEAD = '<!-- Generated from schemas/ by npm run generate. Do not edit. -->\n'
const cell = (text) =>
  String(text ?? '')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')

export function reference({ contracts, common, problems, config }) {
  const files = new Map()
  for (const contract of contracts)
    files.set(`docs/operations/${contract.group}/${contract.operation}.md`, page(contract, common))
  files.set('docs/operations/README.md', index(contracts))
  files.set('docs/problems.md', problemPage(problems, contracts))
  files.set('docs/config.md', configPage(config))
  return files
}

function page(contract, common) {
  const {
    operation,
    summary,
    description,
    access,
    runs_on,
    request,
    alias,
    also_called,
    also_named,
    problems,
    examples,
    since,
    changes,
  } = contract
  const lines = [`${HEAD}# ${operation}`, summary, description]
  const facts = [
    `- Needs: ${[access].flat().join(' and ')}`,
    `- Runs on: ${runs_on.replace('_', ' ')}`,
    `- Since: ${since}`,
    ...(also_called.length > 0 ? [`- Also called: ${also_called.join(', ')}`] : []),
    ...(changes ? ['- Changes data: takes `idempotency_key`'] : []),
  ]
  lines.push(facts.join('\n'))
  lines.push(`## Request\n${fields(request, common, also_named)}`)
  lines.push(`## Answer\n\`\`\`json\n${JSON.stringify(contract.response, null, 2)}\n\`\`\``)
  if (alias.length > 0) lines.push(`## Routes\n${alias.map(({ route }) => `- \`${route}\``).join('\n')}`)
  if (problems.length > 0)
    lines.push(`## Problems\n${problems.map((code) => `- [${code}](../../problems.md#${code})`).join('\n')}`)
  lines.push(`## Examples\n${examples.map((example) => exampleText(operation, example)).join('\n\n')}`)
  return `${lines.join('\n\n')}\n`
}

function fields(request, common, alsoNamed) {
  const required = new Set(request.required ?? [])
  const others = Object.entries(alsoNamed)
  const rows = Object.entries(request.properties ?? {}).map(([name, raw]) => {
    const schema = resolve(raw, common)
    const type = [schema.type ?? (schema.enum ? schema.enum.map((value) => JSON.stringify(value)).join(' or ') : 'any')]
      .flat()
      .join(' or ')
    const also = others.filter(([, field]) => field === name).map(([other]) => `\`${other}\``)
    const notes = [
      schema.description,
      also.length > 0 ? `Also named ${also.join(', ')}.` : '',
      schema.default === undefined ? '' : `Default: \`${JSON.stringify(schema.default)}\`.`,
    ]
    return `| \`${name}\` | ${cell(type)} | ${required.has(name) ? 'yes' : ''} | ${cell(notes.filter(Boolean).join(' '))} |`
  })
  if (rows.length === 0) return 'No fields.'
  return `| field | type | required | meaning |\n|---|---|---|---|\n${rows.join('\n')}`
}

function exampleText(operation, { title, given, request, response, problem }) {
  const before = given?.length
    ? `After:\n\`\`\`json\n${given.map((item) => JSON.stringify(item)).join('\n')}\n\`\`\`\n`
    : ''
  const answer =
    problem === undefined
      ? `\`\`\`json\n${JSON.stringify(shown(response), null, 2)}\n\`\`\``
      : `Answer: the problem [${problem}](../../problems.md#${problem}).`
  return `### ${title}\n${before}\`\`\`json\n${JSON.stringify({ operation, ...request }, null, 2)}\n\`\`\`\n${answer}`
}

function index(contracts) {
  const groups = [...new Set(contracts.map(({ group }) => group))]
  const rows = groups.map((group) => {
    const items = contracts
      .filter((contract) => contract.group === group)
      .map(({ operation, summary }) => `- [${operation}](${group}/${operation}.md): ${summary}`)
    return `## ${group}\n${items.join('\n')}`
  })
  return `${HEAD}# Operations\n\nEvery feature is an operation: \`POST /\` with \`{"operation": "…"}\`.\n\n${rows.join('\n\n')}\n`
}

function problemPage(problems, contracts) {
  const rows = Object.keys(problems)
    .sort()
    .map((code) => {
      const { status, title, detail, retry } = problems[code]
      const by = contracts
        .filter((contract) => contract.problems.includes(code))
        .map(({ group, operation }) => `[${operation}](operations/${group}/${operation}.md)`)
      return `## ${code}\n${title}: status ${status}. ${retry ? 'Sending the request again may help.' : 'Sending the same request again gives the same answer.'}\n\n> ${detail}${by.length > 0 ? `\n\nAnswered by ${by.join(', ')}.` : ''}`
    })
  return `${HEAD}# Problems\n\nEvery failure is answered as \`application/problem+json\` with one of these codes; \`error\` repeats \`detail\`.\n\n${rows.join('\n\n')}\n`
}

function configPage(config) {
  const rows = [...leaves(config, [])].map(({ path, schema }) => {
    const environment = `TRELLIS_${path.join('_').toUpperCase()}`
    return `| \`${path.join('.')}\` | \`${environment}\` | \`${cell(JSON.stringify(schema.default))}\` | ${cell(schema.unit)} | ${schema.live ? 'yes' : ''} | ${cell(schema.description)} |`
  })
  return `${HEAD}# Settings\n\nFrom weakest to strongest: the default, the YAML file (\`--config FILE\` or \`TRELLIS_CONFIG\`), what \`set_configuration\` has stored in the data folder, the environment, flags (\`--http.port 9925\`). Changes of live settings are in force at once, those of others after a restart.\n\n| setting | environment | default | unit | live | meaning |\n|---|---|---|---|---|---|\n${rows.join('\n')}\n`
}

function* leaves(schema, path) {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (child.properties) yield* leaves(child, [...path, name])
    else yield { path: [...path, name], schema: child }
  }
}
