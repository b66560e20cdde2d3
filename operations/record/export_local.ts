import { type Call, type Needs, operation } from '../../src/api/index.js'
import { type JsonStream, JsonText, Problem } from '../../src/lib/index.js'

type Row = Record<string, unknown>
type Services = Needs<'contracts' | 'queries' | 'exports'>

export default operation('export_local', (request, services: Services, call) => {
  const { database, table, format, path, filename, search_operation: search } = request
  const { exports } = services
  const file = exports.pathOf(path, filename, format)
  if ((table === undefined) === (search === undefined))
    throw new Problem('invalid_request', { reason: "One of 'table' and 'search_operation' is required" })
  if (table !== undefined) return exports.startTable({ database, table, format, file }, call)
  return exports.startQuery({ format, file }, queryOf({ ...search }, services, call), call)
})

/** The rows of a reading operation, which is checked now and runs when the job does. */
function queryOf({ operation: name, ...request }: Row, { contracts, queries }: Services, { view }: Call) {
  const compiled = contracts.find(String(name))
  compiled.checkRequest(request)
  const checked = request as never
  switch (compiled.contract.operation) {
    case 'search_by_id':
      return async (signal: AbortSignal) => rowsIn(await queries.searchById(checked, { view, signal }))
    case 'search_by_value':
      return async (signal: AbortSignal) => rowsIn(await queries.searchByValue(checked, { view, signal }))
    case 'search_by_conditions':
      return async (signal: AbortSignal) => rowsIn(await queries.searchByConditions(checked, { view, signal }))
    default:
      return (signal: AbortSignal) => selected(request, (page) => queries.select(page as never, { view, signal }))
  }
}

/** Every row of a select: an answer that was cut is asked on, so that no export looks whole and is not. */
async function selected(request: Row, select: (page: Row) => Promise<JsonText | JsonStream>): Promise<Row[]> {
  const rows: Row[] = []
  for (let page = request; ; ) {
    const { data, next } = JSON.parse(await textOf(await select(page))) as { data: Row[]; next?: string }
    for (const row of data) rows.push(row)
    if (next === undefined || request['limit'] !== undefined) return rows
    page = { ...request, cursor: next }
  }
}

async function rowsIn(answer: JsonText | JsonStream): Promise<Row[]> {
  return JSON.parse(await textOf(answer)) as Row[]
}

async function textOf(answer: JsonText | JsonStream): Promise<string> {
  if (answer instanceof JsonText) return answer.text
  let text = ''
  for await (const chunk of answer.chunks) text += chunk
  return text
}
