import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type FileIdentity, Folder } from '../../src/jobs/index.js'

const once = { id: 'one', noted: undefined, note: async () => {} }

describe('the folders of imports and exports', () => {
  let base: string
  let folder: Folder
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'trellis-folder-'))
    mkdirSync(join(base, 'in/sub'), { recursive: true })
    writeFileSync(join(base, 'secret'), 'secret')
    writeFileSync(join(base, 'in/sub/rows.csv'), 'id\n1\n')
    folder = new Folder(join(base, 'in'), 'jobs.import_dir')
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'no problem',
      (error: { code?: string }) => error.code,
    )

  it('give their files', async () => {
    await using file = await folder.openFile('sub/rows.csv')
    expect(await file.readFile('utf8')).to.equal('id\n1\n')
    expect(await codeOf(folder.openFile('sub/other.csv'))).to.equal('file_not_found')
  })

  it('let no path lead out of them: not .., not an absolute one, not a symbolic link to a file or a folder', async () => {
    symlinkSync(join(base, 'secret'), join(base, 'in/link'))
    symlinkSync(base, join(base, 'in/up'))
    symlinkSync('sub/rows.csv', join(base, 'in/inner'))
    for (const path of [
      '../secret',
      'sub/../../secret',
      '..\\secret',
      join(base, 'secret'),
      '/etc/passwd',
      'link',
      'up/secret',
      'a\0b',
      'sub',
      '.',
      '',
    ])
      expect(await codeOf(folder.openFile(path)), path).to.equal('path_not_allowed')
    await using inner = await folder.openFile('inner')
    expect((await inner.stat()).size).to.equal(5)
    for (const path of ['../out', 'up/out', join(base, 'out')])
      expect(await codeOf(folder.makeFile(path, once, async () => {})), path).to.equal('path_not_allowed')
    expect(readdirSync(base).sort()).to.deep.equal(['in', 'secret'])
  })

  it('refuse a named pipe at once', async () => {
    execFileSync('mkfifo', [join(base, 'in/pipe')])
    expect(await codeOf(folder.openFile('pipe'))).to.equal('path_not_allowed')
  })

  it('show a new file only when it is whole, and never replace one', async () => {
    const failing = folder.makeFile('out/x.json', once, async (file) => {
      await file.write('half')
      throw new Error('the disk is on fire')
    })
    expect(await failing.catch((error: Error) => error.message)).to.equal('the disk is on fire')
    expect(readdirSync(join(base, 'in/out'))).to.deep.equal([])
    await folder.makeFile('out/x.json', once, async (file) => {
      await file.write('whole')
      expect(existsSync(join(base, 'in/out/x.json'))).to.equal(false)
    })
    expect(readFileSync(join(base, 'in/out/x.json'), 'utf8')).to.equal('whole')
    expect(await codeOf(folder.makeFile('out/x.json', once, async () => {}))).to.equal('file_exists')
  })

  it('say what is wrong with a place where no file can be made, before anything is written', async () => {
    symlinkSync('nowhere', join(base, 'in/dangling'))
    symlinkSync('loop', join(base, 'in/loop'))
    const wrong = ['', '.', 'out/', 'out/.', 'sub/rows.csv/x', 'dangling/x', 'loop/x', 'x'.repeat(256)]
    for (const path of wrong) {
      const write = () => Promise.reject(new Error('it was written'))
      expect(await codeOf(folder.makeFile(path, once, write)), path).to.equal('path_not_allowed')
    }
    for (const path of wrong.filter((path) => !/^(?:dangling|loop)/.test(path)))
      expect(await codeOf(folder.checkNew(path)), path).to.equal('path_not_allowed')
    expect(readdirSync(join(base, 'in')).sort()).to.deep.equal(['dangling', 'loop', 'sub'])
  })

  it('take the first of two who make one file at once, whole', async () => {
    let second: Promise<void> | undefined
    const first = folder.makeFile('x.json', once, async (file) => {
      await file.write('fir')
      await new Promise<void>((begun) => {
        second = folder.makeFile('x.json', { ...once, id: 'two' }, async (other) => {
          await other.write('sec')
          begun()
          await first
          await other.write('ond')
        })
      })
      await file.write('st')
    })
    await first
    expect(readFileSync(join(base, 'in/x.json'), 'utf8')).to.equal('first')
    expect(await codeOf(second!)).to.equal('file_exists')
    expect(readFileSync(join(base, 'in/x.json'), 'utf8')).to.equal('first')
    expect(readdirSync(join(base, 'in')).sort()).to.deep.equal(['sub', 'x.json'])
  })

  it('know a file again that a killed process has finished, and no other of its name', async () => {
    let noted: FileIdentity | undefined
    const killed = folder.makeFile(
      'x.json',
      {
        ...once,
        note: async (identity) => {
          noted = identity
        },
      },
      async (file) => void (await file.write('whole')),
    )
    await killed
    const again = { ...once, noted, note: () => Promise.reject(new Error('it was written again')) }
    await folder.makeFile('x.json', again, () => Promise.reject(new Error('it was written again')))
    expect(readFileSync(join(base, 'in/x.json'), 'utf8')).to.equal('whole')
    rmSync(join(base, 'in/x.json'))
    writeFileSync(join(base, 'in/x.json'), 'other')
    expect(await codeOf(folder.makeFile('x.json', again, async () => {}))).to.equal('file_exists')
  })

  it('refuse everything when they are not configured', async () => {
    for (const path of ['', join(base, 'missing')])
      expect(await codeOf(new Folder(path, 'jobs.import_dir').openFile('x'))).to.equal('folder_not_configured')
  })
})
