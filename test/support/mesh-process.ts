// A process that runs one mesh node, prints the pids of its servers, and waits to be killed.
import { Mesh, type MeshOptions } from '../../src/mesh/index.js'

const quiet = () => {}
const options = JSON.parse(process.argv[2]!) as MeshOptions
const mesh = await Mesh.start({ ...options, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } })
process.stdout.write(`${JSON.stringify([mesh.servers.hub?.pid, mesh.servers.leaf.pid])}\n`)
setInterval(quiet, 1_000)
