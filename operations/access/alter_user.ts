import { type Needs, operation } from '../../src/api/index.js'

export default operation('alter_user', async ({ username, ...changes }, { access }: Needs<'access'>, call) => {
  const answer = call.settle({
    message: 'updated 1 of 1 records',
    txn_time: Date.now(),
    update_hashes: [username],
    skipped_hashes: [],
  })
  await access.users.alter(username, changes, call)
  return answer
})
