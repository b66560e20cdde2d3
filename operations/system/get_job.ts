import { type Needs, operation } from '../../src/api/index.js'

export default operation('get_job', ({ id }, { jobs }: Needs<'jobs'>, call) => [jobs.describe(id, call.caller!)])
