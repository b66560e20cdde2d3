// Makes a fresh clone ready: dependencies when they are missing, generated files and dist when they are old.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = ['src', 'operations', 'test', 'bench', 'schemas', 'tsconfig.json', 'package.json']

/** Runs a command in the repository's root, its output on standard error; ends the process when it fails. */
export function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) {
    console.error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`)
    process.exit(status ?? 1)
  }
}

/** Installs what the lock file names, when it is not there. */
export function install() {
  if (existsSync(join(root, 'node_modules/typescript'))) return
  console.error('Installing the dependencies…')
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
}

/** Builds dist anew when a source is newer than it. */
export function build() {
  const stamp = join(root, 'dist/.tsbuildinfo')
  const built = existsSync(stamp) ? statSync(stamp).mtimeMs : 0
  if (built > 0 && !SOURCES.some((path) => newer(join(root, path), built))) return
  console.error('Building…')
  run(process.execPath, ['scripts/generate.mjs'])
  rmSync(join(root, 'dist'), { recursive: true, force: true }) // the compiler leaves what sources that are gone have made
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-b', '--force'])
}

function newer(path, time) {
  if (!existsSync(path)) return false
  const stat = statSync(path)
  if (stat.mtimeMs > time) return true
  return stat.isDirectory() && readdirSync(path).some((name) => newer(join(path, name), time))
}
