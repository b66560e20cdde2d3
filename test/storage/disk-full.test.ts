import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { withFolder } from '../support/store.js'

const MEBIBYTE = 1 << 20
const writer = fileURLToPath(new URL('../support/full-disk-writer.js', import.meta.url))

/** A file system of 24 MiB in memory; false where this user may not mount. */
function mount(folder: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]).status === 0
}

function expectToResume(...given: string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [writer, ...given], { encoding: 'utf8' })
  expect(status, stderr).to.equal(0)
  const { whenFull, ...after } = JSON.parse(stdout) as Record<string, Record<string, unknown>>
  expect(whenFull!['codes']).to.deep.equal(['disk_full'])
  expect(whenFull!['stored']).to.be.greaterThan(100)
  expect(whenFull!['sound']).to.equal(true)
  expect(after).to.deep.equal({ resumed: true, sound: true, survived: true })
}

describe('a full disk', () => {
  it('refuses writes with disk_full, goes on reading, and takes writes again when there is space', async function () {
    await withFolder(async (folder) => {
      if (!mount(folder)) this.skip()
      try {
        const ballast = join(folder, 'ballast')
        writeFileSync(ballast, Buffer.alloc(12 * MEBIBYTE))
        mkdirSync(join(folder, 'data'))
        expectToResume(join(folder, 'data'), ballast)
      } finally {
        execFileSync('umount', [folder])
      }
    })
  })

  it('is also what the limit for the size of a file makes of it, until that is raised', async function () {
    if (spawnSync('prlimit', ['--version']).status !== 0) this.skip()
    await withFolder(async (folder) => expectToResume(folder))
  })
})
