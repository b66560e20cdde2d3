import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect } from 'chai'

/** Who may import whom: the rule and its documentation. A type may be imported where a value may not when it is marked so. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  generated: [],
  lib: ['generated'],
  config: ['generated', 'lib'],
  contracts: ['generated', 'lib'],
  metrics: ['lib'],
  pyql: ['lib'],
  storage: ['lib', 'metrics'],
  mesh: ['lib', 'metrics'],
  catalog: ['lib', 'storage'],
  access: ['lib', 'storage'],
  tables: ['lib', 'storage', 'catalog'],
  analytics: ['lib', 'metrics', 'storage', 'catalog', 'pyql'],
  segments: ['lib', 'storage', 'catalog', 'pyql', 'analytics'],
  backup: ['lib', 'storage', 'catalog', 'tables', 'jobs'],
  jobs: ['lib', 'storage', 'metrics'],
  replication: ['lib', 'storage', 'mesh', 'access', 'catalog', 'tables', 'analytics'],
  triggers: ['lib', 'metrics', 'storage', 'mesh', 'tables', 'pyql', 'analytics'],
  adapters: ['lib', 'config', 'contracts', 'storage', 'access', 'catalog', 'tables', 'jobs', 'segments', 'triggers'],
  http: ['lib', 'contracts', 'metrics', 'api'],
  cli: ['lib', 'config', 'contracts', 'client', 'backup', 'mesh'],
  client: ['generated'],
}
/** api takes the types of every service, and values only from these. */
const API_VALUES = ['lib', 'contracts', 'metrics', 'generated']
/** The only home of a package. */
const HOME: Record<string, string> = {
  koa: 'http',
  'koa-bodyparser': 'http',
  lmdb: 'storage',
  nats: 'mesh',
  'prom-client': 'metrics',
}

const files = walk('src').filter((file) => file.endsWith('.ts') && !file.startsWith('src/generated/'))

describe('the layers', () => {
  it('import only what they may', () => {
    for (const file of files) for (const fault of faults(file)) expect.fail(fault)
  })

  it('give every subsystem one door: its index.ts, which says on its first line what it owns', () => {
    for (const folder of new Set(files.map((file) => file.split('/')[1]!).filter((name) => !name.endsWith('.ts')))) {
      if (folder === 'cli') continue
      const first = readFileSync(`src/${folder}/index.ts`, 'utf8').split('\n')[0]
      expect(first, `src/${folder}/index.ts`).to.match(/^\/\/ .*owns /i)
    }
  })

  it('let handlers import only api, lib, contracts and config', () => {
    for (const file of walk('operations'))
      for (const { target } of imports(file)) {
        const folder = /^\.\.\/\.\.\/src\/([^/]+)\/index\.js$/.exec(target)?.[1]
        const beside = target.startsWith('./') || target.startsWith('node:')
        expect(
          beside || ['api', 'lib', 'contracts', 'config'].includes(folder ?? ''),
          `${file} imports ${target}`,
        ).to.equal(true)
      }
  })
})

function* faults(file: string): Generator<string> {
  const folder = file.split('/')[1]!
  for (const { target, typeOnly } of imports(file)) {
    const home = HOME[target]
    if (home !== undefined && home !== folder) yield `${file} imports ${target}, whose only home is src/${home}`
    if (!target.startsWith('.')) continue
    const path = normalize(join(dirname(file), target))
    const other = path.split('/')[1]!
    if (folder.endsWith('.ts') || other === folder || !path.startsWith('src/')) continue
    if (!(path.endsWith('/index.js') || other === 'generated'))
      yield `${file} imports ${path} instead of src/${other}/index.ts`
    const allowed =
      folder === 'api' ? typeOnly || API_VALUES.includes(other) : (MAY_IMPORT[folder] ?? []).includes(other)
    if (!allowed) yield `${file} may not import src/${other}`
  }
}

function imports(file: string): { target: string; typeOnly: boolean }[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/^(?:import|export)\s(type\s)?[^'"]*?from\s+['"]([^'"]+)['"]/gms)].map((match) => ({
    target: match[2]!,
    typeOnly: match[1] !== undefined,
  }))
}

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = `${folder}/${name}`
    return statSync(path).isDirectory() ? walk(path) : [path]
  })
}
