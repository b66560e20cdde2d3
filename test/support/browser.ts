import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'chrome']
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** The built modules: what the page may import. */
const sources = fileURLToPath(new URL('../../src', import.meta.url))

/** A browser of this machine: the variable BROWSER_PATH, or the first of Chromium's names on the path. */
export function findBrowser(): string | undefined {
  const named = process.env['BROWSER_PATH']
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return [...(named === undefined ? [] : [named]), ...found].find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Pages of an origin of their own, and what they tell. */
export interface Pages extends AsyncDisposable {
  readonly origin: string
  /** Opens a page with this module in the browser; answers what the module gives to `tell`. */
  run(browser: string, module: string): Promise<unknown>
}

/** Serves the built modules and one page; the page's module has `tell(value)`, which ends it. */
export async function servePages(): Promise<Pages> {
  let page = ''
  let told: (value: unknown) => void = () => {}
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') told(JSON.parse(await textOf(request)))
    answer(request.url!, response, page)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    async run(browser, module) {
      page = `<!doctype html><script type="module">
const tell = (value) => fetch('/told', { method: 'POST', body: JSON.stringify(value) })
addEventListener('unhandledrejection', ({ reason }) => tell({ error: String(reason) }))
addEventListener('error', ({ message }) => tell({ error: message }))
${module}
</script>`
      const answered = new Promise<unknown>((resolve) => {
        told = resolve
      })
      const folder = mkdtempSync(join(tmpdir(), 'trellis-browser-'))
      const program = spawn(browser, [...FLAGS, '--remote-debugging-port=0', `--user-data-dir=${folder}`, origin], {
        stdio: 'ignore',
        // A group of its own: what it starts ends with it.
        detached: true,
      })
      try {
        return await Promise.race([answered, once(program, 'exit').then(([code]) => ({ error: `exit ${code}` }))])
      } finally {
        if (program.exitCode === null) {
          process.kill(-program.pid!, 'SIGKILL')
          await once(program, 'exit')
        }
        rmSync(folder, { recursive: true, force: true, maxRetries: 20 })
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(url: string, response: ServerResponse, page: string): void {
  if (url === '/') return void response.setHeader('Content-Type', 'text/html; charset=utf-8').end(page)
  const path = join(sources, normalize(url))
  if (!path.endsWith('.js') || !existsSync(path)) return void response.writeHead(404).end()
  response.setHeader('Content-Type', 'text/javascript; charset=utf-8').end(readFileSync(path))
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
