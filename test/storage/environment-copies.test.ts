import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { open } from 'lmdb'
import { EnvironmentCopier } from '../../src/storage/index.js'

/** Processes of this one that copy. */
function copiers(): number[] {
  const all = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
  const lines = all.split('\n').filter((line) => line.includes('copier.js'))
  return lines.map((line) => Number.parseInt(line, 10))
}

describe('copies of environments', () => {
  let base: string
  let before: number[]
  let copier: EnvironmentCopier
  let taken = 0

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'trellis-copies-'))
    before = copiers()
    copier = new EnvironmentCopier(1)
  })
  afterEach(async () => {
    await copier[Symbol.asyncDispose]()
    expect(own()).to.deep.equal([])
    rmSync(base, { recursive: true, force: true })
  })

  const own = () => copiers().filter((pid) => !before.includes(pid))

  /** Writes a value, copies, and reads the value of the copy. */
  async function copied(value: string): Promise<unknown> {
    const source = open({ path: join(base, 'source') })
    try {
      await source.put('key', value)
      const to = join(base, `copy${++taken}`)
      mkdirSync(to)
      await using copies = await copier.prepare([{ from: join(base, 'source'), to }])
      await copies.begin()
      await copies.finish()
      const copy = open({ path: to, readOnly: true })
      try {
        return copy.get('key')
      } finally {
        await copy.close()
      }
    } finally {
      await source.close()
    }
  }

  it('are made by one process, each of its own moment', async () => {
    expect(await copied('first')).to.equal('first')
    const [pid] = own()
    expect(await copied('second')).to.equal('second')
    expect(own()).to.deep.equal([pid])
  })

  it('are made by another process when the last one has ended meanwhile', async () => {
    expect(await copied('first')).to.equal('first')
    const [pid] = own()
    process.kill(pid!, 'SIGKILL')
    while (own().length > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await copied('second')).to.equal('second')
    expect(own()).not.to.include(pid)
  })

  it('are made by another process when the last one is killed just then', async () => {
    for (let time = 0; time < 10; time++) {
      expect(await copied(`first ${time}`)).to.equal(`first ${time}`)
      process.kill(own()[0]!, 'SIGKILL')
      for (let turns = 0; turns < time; turns++) await new Promise(setImmediate)
      expect(await copied(`second ${time}`)).to.equal(`second ${time}`)
    }
  })

  // Opening an environment sets the number of its newest commit back to what the opener has read a moment before: beside a
  // writer an acknowledged commit was lost by that, once in a few hundred backups.
  it('open nothing before they begin, when nobody writes', async () => {
    const to = join(base, 'copy')
    mkdirSync(to)
    await using copies = await copier.prepare([{ from: join(base, 'source'), to }])
    const source = open({ path: join(base, 'source') })
    await source.put('key', 'written after all was ready')
    await copies.begin()
    await copies.finish()
    await source.close()
    const copy = open({ path: to, readOnly: true })
    expect(copy.get('key')).to.equal('written after all was ready')
    await copy.close()
  })

  // LMDB ended the process there: see copier.ts.
  it('take a large first commit, as a file and as a folder', async () => {
    for (const noSubdir of [true, false]) {
      const [from, to] = [join(base, `source ${noSubdir}`), join(base, `copy ${noSubdir}`)]
      if (!noSubdir) mkdirSync(to)
      const keys = Array.from({ length: 60_000 }, (_, n) => createHash('sha1').update(String(n)).digest('hex'))
      const source = open({ path: from, noSubdir })
      for (const [at, key] of keys.entries()) {
        source.put(key, '')
        if (at % 1000 === 999) await source.flushed
      }
      {
        await using copies = await copier.prepare([{ from, to }])
        await copies.begin()
        await copies.finish()
      }
      await source.close()
      const copy = open({ path: to, noSubdir })
      for (const key of keys.slice(0, 10_000)) copy.put(`${key}+`, '')
      await copy.flushed
      expect(copy.getCount()).to.equal(keys.length + 10_000)
      await copy.close()
    }
  })

  it('that are left off end their process', async () => {
    const source = open({ path: join(base, 'source') })
    try {
      {
        await using copies = await copier.prepare([{ from: join(base, 'source'), to: join(base, 'copy') }])
        expect(copies).not.to.equal(undefined)
        expect(own()).to.have.length(1)
      }
      expect(own()).to.deep.equal([])
    } finally {
      await source.close()
    }
  })
})
