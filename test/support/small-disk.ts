import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system of its own, in memory. */
export interface SmallDisk {
  readonly folder: string
  /** Leaves so little space that nothing is written any more. */
  fill(): void
  free(): void
}

const LEFT_BYTES = 3 << 20

/** Hands a small disk to the test and takes it away again; answers whether this user may mount one. */
export async function withSmallDisk(mebibytes: number, test: (disk: SmallDisk) => Promise<void>): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-small-disk-'))
  try {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]).status !== 0) return false
    const ballast = join(folder, 'ballast')
    const fill = () => {
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - LEFT_BYTES)))
    }
    try {
      await test({ folder, fill, free: () => rmSync(ballast) })
    } finally {
      execFileSync('umount', [folder])
    }
    return true
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
