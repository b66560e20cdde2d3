// Writes what is generated from schemas/: types, reference pages, OpenAPI, Postman collection.
// `node scripts/generate.mjs` writes; `--check` only compares and fails when a file differs.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { client } from './generate/client.mjs'
import { openapi } from './generate/openapi.mjs'
import { postman } from './generate/postman.mjs'
import { reference } from './generate/reference.mjs'
import { readSchemas } from './generate/schemas.mjs'
import { types } from './generate/types.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Folders that hold generated files only: what is there and not generated is removed. */
const FOLDERS = ['src/generated', 'docs/operations']

/** Every generated file: path below the repository's root → text. */
export async function generate() {
  const schemas = readSchemas(root)
  return new Map([
    ...(await types(schemas)),
    ...client(schemas),
    ...reference(schemas),
    ...openapi(schemas),
    ...postman(schemas),
  ])
}

/** Paths of generated files that differ from the disk, are missing, or should not be there. */
export async function differences() {
  const files = await generate()
  const stale = [...files].filter(
    ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
  )
  return [...stale.map(([path]) => path), ...leftovers(files)]
}

function leftovers(files) {
  return FOLDERS.flatMap((folder) => walk(folder)).filter((path) => !files.has(path))
}

function walk(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`
    return statSync(join(root, path)).isDirectory() ? walk(path) : [path]
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) {
    const stale = await differences()
    if (stale.length > 0) {
      console.error(`Not equal to their sources (run npm run generate):\n  ${stale.join('\n  ')}`)
      process.exit(1)
    }
  } else {
    const files = await generate()
    for (const path of leftovers(files)) rmSync(join(root, path))
    for (const [path, text] of files) {
      const full = join(root, path)
      if (existsSync(full) && readFileSync(full, 'utf8') === text) continue
      mkdirSync(dirname(full), { recursive: true })
      writeFileSync(full, text)
      console.error(`wrote ${path}`)
    }
  }
}
