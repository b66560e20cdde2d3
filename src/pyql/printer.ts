import type { AggregateLine, ColumnName, Constant, Expression, FunctionDefinition, Script, Statement } from './ast.js'

/** The text of a tree, with every operation in parentheses: parsing it again gives the same tree. */
export function print(script: Script): string {
  const aggregates =
    script.aggregates.length > 0 ? ['agg:', ...script.aggregates.map((line) => `    ${aggregate(line)}`)] : []
  return [...aggregates, ...script.functions.flatMap(definition), ...block(script.body, '')]
    .map((line) => `${line}\n`)
    .join('')
}

function aggregate({ aggregator, of, alias, key, all, value }: AggregateLine): string {
  const words = [
    aggregator?.name,
    expression(of),
    alias && `as ${alias.name}`,
    key && `with ${expression(key)}`,
    all && 'all',
  ]
  return [...words, value && `<< ${expression(value)}`].filter(Boolean).join(' ')
}

function definition({ name, parameters, body }: FunctionDefinition): string[] {
  return [`def ${name}(${parameters.map((parameter) => parameter.name).join(', ')}):`, ...block(body, '    ')]
}

function block(body: readonly Statement[], indent: string): string[] {
  return body.flatMap((node) => statement(node).map((line) => indent + line))
}

const inner = (body: readonly Statement[]) => block(body, '    ')

function statement(node: Statement): string[] {
  switch (node.kind) {
    case 'assignment':
      return [`${expression(node.target)} ${node.op} ${expression(node.value)}`]
    case 'expression':
      return [expression(node.expression)]
    case 'if': {
      const branches = node.branches.flatMap(({ condition, body }, i) => [
        `${i === 0 ? 'if' : 'elif'} ${expression(condition)}:`,
        ...inner(body),
      ])
      return node.otherwise.length > 0 ? [...branches, 'else:', ...inner(node.otherwise)] : branches
    }
    case 'for':
      return [`for ${node.names.map(({ name }) => name).join(', ')} in ${expression(node.over)}:`, ...inner(node.body)]
    case 'match': {
      const limit = node.limit ? ` ${expression(node.limit)}` : ''
      const where = node.where ? ` where ${expression(node.where)}` : ''
      return [`${node.reverse ? 'reverse_match' : 'match'}${limit}${where}:`, ...inner(node.body)]
    }
    case 'return':
      return [node.value ? `return ${expression(node.value)}` : 'return']
    case 'delete':
      return [`del ${expression(node.target)}`]
    case 'break':
      return [node.levels === 1 ? 'break' : `break ${node.levels}`]
    default:
      return [node.kind]
  }
}

function expression(node: Expression): string {
  switch (node.kind) {
    case 'constant':
      return constant(node)
    case 'name':
      return node.name
    case 'column':
      return column(node)
    case 'unary':
      return node.op === 'not' ? `(not ${expression(node.operand)})` : `(-${expression(node.operand)})`
    case 'binary':
    case 'comparison':
    case 'logic':
      return `(${expression(node.left)} ${node.op} ${expression(node.right)})`
    case 'list':
      return `[${list(node.items)}]`
    case 'dict':
      return `{${node.entries.map(({ key, value }) => `${expression(key)}: ${expression(value)}`).join(', ')}}`
    case 'subscript':
      return `${expression(node.object)}[${expression(node.index)}]`
    case 'slice':
      return `${expression(node.object)}[${node.from ? expression(node.from) : ''}:${node.to ? expression(node.to) : ''}]`
    case 'call':
      return `${node.name}(${list(node.args)})`
    case 'method':
      return `${expression(node.object)}.${node.name}(${list(node.args)})`
    case 'aggregate': {
      const { op, column: of, key, all, where } = node
      const keyed = key && `with ${expression(key)}`
      const words = [op, expression(of), keyed, all && 'all', where && `where ${expression(where)}`]
      return `(${words.filter(Boolean).join(' ')})`
    }
  }
}

function list(nodes: readonly Expression[]): string {
  return nodes.map(expression).join(', ')
}

const escapes: Record<string, string> = { '\t': '\\t', '\r': '\\r', '\n': '\\n', "'": "\\'", '\\': '\\\\' }

function column({ name }: ColumnName): string {
  return /^[a-z]\w*$/i.test(name) ? `column.${name}` : `column[${quoted(name)}]`
}

function quoted(text: string): string {
  return `'${text.replace(/[\t\r\n'\\]/g, (character) => escapes[character]!)}'`
}

function constant({ type, value }: Constant): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return type === 'double' ? decimal(value) : String(value)
  return quoted(value)
}

/** Digits and a point: the language knows no exponents. */
function decimal(value: number): string {
  const text = String(value)
  if (Number.isInteger(value)) return `${text.includes('e') ? BigInt(value) : text}.0`
  return text.includes('e') ? value.toFixed(100).replace(/0+$/, '') : text
}
