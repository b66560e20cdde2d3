import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** What is made when it is first asked for, and kept: most processes never ask for what takes long to load or to make. */
export function onFirstUse<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined
  return () => (made ??= make())
}

/** A package that is loaded when it is first asked for. */
export function packageOnFirstUse<Package extends object>(name: string): () => Package {
  return onFirstUse(() => require(name) as Package)
}
