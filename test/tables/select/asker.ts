import { everything, type JsonStream, JsonText } from '../../../src/lib/index.js'
import type { Asker, QueryLimits } from '../../../src/tables/select/index.js'

export const limits: QueryLimits = {
  memory_bytes_max: 1e8,
  result_rows_max: 1e6,
  groups_max: 1e5,
  conditions_max: 1e3,
  slice_ms: 5,
  stream_above_bytes: 1e6,
}

export const asker: Asker = { view: everything, signal: new AbortController().signal }

export async function textOf(answer: JsonText | JsonStream): Promise<string> {
  if (answer instanceof JsonText) return answer.text
  let text = ''
  for await (const chunk of answer.chunks) text += chunk
  return text
}
