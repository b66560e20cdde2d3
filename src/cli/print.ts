import { cellOf, plain, table, widest } from './table.js'

type Fields = Record<string, unknown>

const isRow = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const isTable = (value: unknown): value is Fields[] => Array.isArray(value) && value.length > 0 && value.every(isRow)

/** An answer as a person reads it: tables for lists, a line for each field, the message first. `cut` shortens cells. */
export function print(answer: unknown, options: { cut: boolean }): string {
  if (isTable(answer))
    return answer.length === 1 && isWide(answer[0]!)
      ? fieldLines(answer[0]!, options, '').join('\n')
      : table(answer, options)
  if (Array.isArray(answer))
    return answer.length === 0 ? 'Nothing found.' : answer.map((item) => cellOf('', item)).join('\n')
  if (!isRow(answer)) return typeof answer === 'string' ? answer : cellOf('', answer)
  const { message, ...fields } = answer
  const lines = message === undefined ? [] : [plain(String(message))]
  return [...lines, ...fieldLines(fields, options, '')].join('\n')
}

function fieldLines(fields: Fields, options: { cut: boolean }, indent: string): string[] {
  const entries = Object.entries(fields)
  const most = widest(entries, ([name, value]) => (isBlock(value) ? 0 : name.length), 0)
  return entries.flatMap(([name, value]) => {
    if (!isBlock(value)) return [`${indent}${plain(name).padEnd(most)}  ${cellOf(name, value)}`]
    const inner = `${indent}  `
    const block = isRow(value)
      ? fieldLines(value, options, inner)
      : table(value as Fields[], options)
          .split('\n')
          .map((line) => inner + line)
    return [`${indent}${plain(name)}`, ...block]
  })
}

/** One row that says more in lines than in a table. */
function isWide(row: Fields): boolean {
  return Object.values(row).some(isBlock)
}

function isBlock(value: unknown): boolean {
  return isTable(value) || (isRow(value) && Object.keys(value).length > 0)
}
