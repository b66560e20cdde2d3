import { type Needs, operation } from '../../src/api/index.js'

export default operation('cancel_job', async ({ id }, { jobs }: Needs<'jobs'>, call) => {
  await jobs.cancel(id, call.caller!)
  const { status } = jobs.describe(id, call.caller!)
  return { message: `The job ${id} has ended: ${status}.` }
})
