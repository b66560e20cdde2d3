import { type JobStatus, type Needs, operation } from '../../src/api/index.js'

export default operation('cancel_job', async ({ id }, { jobs }: Needs<'jobs'>, call) => {
  const answerOf = (status: JobStatus) => ({ message: `The job ${id} has ended: ${status}.` })
  return answerOf(await jobs.cancel(id, call.caller!, (status) => call.settled(answerOf(status))))
})
