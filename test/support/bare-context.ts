import { readFileSync } from 'node:fs'
import vm from 'node:vm'

/** The globals that every browser has and that a program without Node may use. */
const BROWSER = { fetch, URL, AbortController, AbortSignal, TextEncoder, crypto, btoa, setTimeout, clearTimeout }

/** Loads a module and what it imports into a context that has nothing of Node. Needs --experimental-vm-modules. */
export async function loadBare(url: string): Promise<Record<string, unknown>> {
  const context = vm.createContext({ ...BROWSER })
  const loaded = new Map<string, vm.SourceTextModule>()
  const load = (from: string): vm.SourceTextModule => {
    const known = loaded.get(from)
    if (known) return known
    const module = new vm.SourceTextModule(readFileSync(new URL(from), 'utf8'), { context, identifier: from })
    loaded.set(from, module)
    return module
  }
  const root = load(url)
  await root.link((specifier, from) => {
    if (!specifier.startsWith('.'))
      throw new Error(`${from.identifier} imports ${specifier}, which browsers do not have`)
    return load(new URL(specifier, from.identifier).href)
  })
  await root.evaluate()
  return root.namespace as Record<string, unknown>
}

// As a program: node --experimental-vm-modules bare-context.js CLIENT NODE PASSWORD answers what a browser would get.
const [, program, client, url, password] = process.argv
if (program?.endsWith('bare-context.js') && client !== undefined) {
  const { connect } = (await loadBare(client)) as unknown as typeof import('../../src/client/index.js')
  const db = connect({ url: url!, username: 'admin', password: password! })
  const { message } = await db.ping()
  const { username } = await db.userInfo()
  const refused = await db.describeOperations({ name: 'zzz' }).catch((error: Error & { code?: string }) => error.code)
  process.stdout.write(JSON.stringify({ message, username, refused }))
}
