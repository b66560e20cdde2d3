import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { identityOfProcess, isRunning } from '../../src/lib/index.js'
import { eventually } from '../support/eventually.js'

describe('a process', () => {
  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  it('runs until it has ended, also when its parent does not ask how', async () => {
    const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const child = identityOfProcess(Number(line))
    try {
      expect(isRunning(child)).to.equal(true)
      // As long as it is a shell it may ask how its child has ended.
      await eventually('the parent sleeps', () => readFileSync(`/proc/${parent.pid}/comm`, 'latin1') === 'sleep\n')
      process.kill(child.pid, 'SIGKILL')
      await eventually('it has ended', () => readFileSync(`/proc/${child.pid}/stat`, 'latin1').includes(') Z '))
      expect(isRunning(child)).to.equal(false)
    } finally {
      parent.kill('SIGKILL')
    }
  })

  it('is not another one with its number', () => {
    const { pid, started } = identityOfProcess(process.pid)
    expect(isRunning({ pid, started })).to.equal(true)
    expect(isRunning({ pid, started: '' }), 'where nobody knows when it started').to.equal(true)
    expect(isRunning({ pid, started: `${started}1` })).to.equal(false)
  })
})
