import { JsonStream, JsonText } from '../../lib/index.js'
import { tableReplies } from './tables.js'

type Fields = Record<string, unknown>

/** Mappings of answers to another shape, by the name that contracts use. */
export const replies: Record<string, (answer: unknown, request: Fields) => unknown> = {
  /** pyql's rows: `{"data": […]}`. */
  pyql_data(answer) {
    if (answer instanceof JsonText) return new JsonText(`{"data":${answer.text}}`)
    return answer instanceof JsonStream ? new JsonStream(around('{"data":', answer.chunks, '}')) : { data: answer }
  },
  pyql_items_added: () => ({ message: 'items added' }),
  pyql_ok: () => ({ message: 'OK' }),
  pyql_synced: (_, { database, table }) => ({ message: `${database} ${table} sync successful` }),
  pyql_user_token: (answer) => ({ token: tokenOf(answer) }),
  pyql_join_token: (answer) => ({ join: tokenOf(answer) }),
  pyql_cluster_token: (answer) => ({ PYQL_CLUSTER_SERVICE_TOKEN: tokenOf(answer) }),
  pyql_local_token: (answer) => ({ PYQL_LOCAL_SERVICE_TOKEN: tokenOf(answer) }),
  ...tableReplies,
}

function tokenOf(answer: unknown): string {
  return (answer as { token: string }).token
}

async function* around(head: string, chunks: AsyncIterable<string>, tail: string): AsyncGenerator<string> {
  yield head
  yield* chunks
  yield tail
}
