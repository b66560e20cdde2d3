// A node whose jobs do all their work and never end, so that a kill comes before their end however fast they are.
import { Jobs } from '../../src/jobs/index.js'

const { define } = Jobs.prototype
Jobs.prototype.define = function (type, work) {
  define.call(this, type, async (job) => {
    await work(job)
    return await new Promise<never>(() => {})
  })
}
await import('../../src/main.js')
