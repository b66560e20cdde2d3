import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'add_column',
  async ({ job: asJob, ...request }, { jobs, tables }: Needs<'jobs' | 'tables'>, call) => {
    const { database, table, column, ...definition } = request
    const message = `attribute '${database}.${table}.${column}' successfully created.`
    if (!asJob) {
      await tables.addColumn(database, table, { name: column, ...definition })
      return { message }
    }
    return jobs.start({
      type: 'add_column',
      user: call.user!,
      idempotency: call.idempotency,
      run: async ({ progress }) => {
        await tables.addColumn(database, table, { name: column, ...definition }, (records) => {
          progress.rows += records
        })
        return message
      },
    })
  },
)
