import { readdir, stat, statfs } from 'node:fs/promises'
import {
  availableParallelism,
  cpus,
  freemem,
  hostname,
  loadavg,
  type NetworkInterfaceInfo,
  networkInterfaces,
  release,
  totalmem,
  uptime,
} from 'node:os'
import { join } from 'node:path'
import { type Needs, operation } from '../../src/api/index.js'

/** The unit in which a file system counts the blocks of a file (POSIX stat). */
const BLOCK_BYTES = 512

// Finding these out takes milliseconds, and they stay.
const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
const model = cpus()[0]?.model ?? ''

const parts = {
  system: () => ({
    platform: process.platform,
    release: release(),
    arch: process.arch,
    hostname: hostname(),
    node_version: process.version,
  }),
  time: () => ({
    current: Date.now(),
    timezone: timeZone,
    uptime_s: uptime(),
  }),
  cpu: () => ({ model, cores: availableParallelism(), load: loadavg() }),
  memory: () => ({ total: totalmem(), free: freemem() }),
  disk: diskNow,
  network: () => ({
    interfaces: Object.entries(networkInterfaces()).flatMap(([name, addresses]) => addressesOf(name, addresses)),
  }),
  process: () => {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed } = process.memoryUsage()
    return {
      pid: process.pid,
      uptime_s: process.uptime(),
      rss,
      heap_used: heapUsed,
      cpu_user_s: user / 1e6,
      cpu_system_s: system / 1e6,
    }
  },
}

function addressesOf(name: string, addresses: NetworkInterfaceInfo[] = []) {
  return addresses.map(({ address, family, mac, internal }) => ({ name, address, family, mac, internal }))
}

/** How long it is remembered what a disk holds, in milliseconds: finding it out looks at every file of the folder. */
const DISK_KEPT_MS = 5000
const disks = new Map<string, { disk: ReturnType<typeof diskOf>; until: number }>()

/** What the disk of a folder holds; looked up once for all who ask within some seconds. */
function diskNow(folder: string): ReturnType<typeof diskOf> {
  const known = disks.get(folder)
  if (known && performance.now() < known.until) return known.disk
  const disk = diskOf(folder)
  disks.set(folder, { disk, until: performance.now() + DISK_KEPT_MS })
  disk.catch(() => disks.delete(folder))
  return disk
}

async function diskOf(folder: string) {
  const { bsize, blocks, bavail } = await statfs(folder)
  return { total: bsize * blocks, free: bsize * bavail, used_by_node: await sizeOf(folder) }
}

type Part = keyof typeof parts

export default operation('system_information', async ({ attributes }, { config }: Needs<'config'>) => {
  const wanted = attributes ?? (Object.keys(parts) as Part[])
  const answers = await Promise.all(wanted.map(async (part) => [part, await parts[part](config.data_dir)] as const))
  return Object.fromEntries(answers)
})

/** Bytes that the files of a folder take on disk; what goes away meanwhile takes none. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += await sizeOf(path)
    else if (entry.isFile()) bytes += ((await stat(path).catch(() => undefined))?.blocks ?? 0) * BLOCK_BYTES
  }
  return bytes
}
