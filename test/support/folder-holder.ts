// A process that holds a data folder until it is killed: node folder-holder.js FOLDER
import { Storage } from '../../src/storage/index.js'

const settings = { map_bytes: 2 ** 32, readers_max: 64, group_bytes_max: 2 ** 20 }
await Storage.open({ path: process.argv[2]!, settings })
console.log('held')
setInterval(() => {}, 1000)
