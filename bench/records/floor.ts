// The floor: bare Koa, koa-bodyparser, Ajv and LMDB, without sign-in, indexes or log. node floor.js PORT FOLDER
import { Ajv2020 } from 'ajv/dist/2020.js'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { open } from 'lmdb'

interface Body {
  operation: string
  records?: { id: number }[]
  hash_values?: number[]
}

const [port, path] = process.argv.slice(2)
const root = open({ path: path!, compression: false })
const table = root.openDB<unknown, number>({ name: 'items' })
const check = new Ajv2020({ useDefaults: true, allowUnionTypes: true }).compile({
  type: 'object',
  required: ['operation'],
  properties: {
    operation: { type: 'string' },
    database: { type: 'string' },
    table: { type: 'string' },
    hash_values: { type: 'array' },
    get_attributes: { type: 'array' },
    records: { type: 'array' },
  },
})

async function answer({ operation, records = [], hash_values = [] }: Body): Promise<unknown> {
  if (operation === 'insert') {
    await Promise.all(records.map((record) => table.put(record.id, record)))
    await table.flushed
    return { message: 'ok', inserted_hashes: records.map(({ id }) => id) }
  }
  return operation === 'search_by_hash' ? hash_values.map((id) => table.get(id)) : { message: 'ok' }
}

const app = new Koa()
app.use(bodyParser({ jsonLimit: '10mb' }))
app.use(async (context) => {
  const { body } = context.request
  if (!check(body)) throw new Error('the request fits its schema')
  context.body = await answer(body as unknown as Body)
})
app.listen(Number(port), '127.0.0.1', () => console.log('ready'))
