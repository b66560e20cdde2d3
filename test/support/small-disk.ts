import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system of its own, in memory. */
export interface SmallDisk {
  readonly folder: string
  /** Leaves so many bytes; without a number so few that nothing is written any more. */
  fill(left?: number): void
  free(): void
}

const LEFT_BYTES = 3 << 20

/** Hands a small disk to the test and takes it away again; answers whether this user may mount one. */
export async function withSmallDisk(mebibytes: number, test: (disk: SmallDisk) => Promise<void>): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-small-disk-'))
  try {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]).status !== 0) return false
    const ballast = join(folder, 'ballast')
    const fill = (left = LEFT_BYTES) => {
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left)))
    }
    try {
      await test({ folder, fill, free: () => rmSync(ballast) })
    } finally {
      execFileSync('umount', ['-l', folder]) // also where a test has left something open
    }
    return true
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
