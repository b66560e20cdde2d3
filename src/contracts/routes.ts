import { assert, Problem } from '../lib/index.js'
import type { CompiledContract } from './catalogue.js'
import type { Alias } from './contract.js'

/** A route that a request has met, with the values of its path parameters. */
export interface Match {
  compiled: CompiledContract
  alias: Alias
  parameters: Record<string, string>
}

interface Branch {
  /** Next segments that are fixed text. */
  literal: Map<string, Branch>
  /** Next segments with parameters, in the order of their declaration. */
  pattern: { source: string; expression: RegExp; names: string[]; branch: Branch }[]
  /** By method: what the path means when it ends here. */
  ends: Map<string, { compiled: CompiledContract; alias: Alias }>
}

const branch = (): Branch => ({ literal: new Map(), pattern: [], ends: new Map() })

/** The REST shortcuts of all contracts as a tree of path segments; fixed text wins over parameters. */
export class Routes {
  readonly #root = branch()

  constructor(all: readonly CompiledContract[]) {
    for (const compiled of all) for (const alias of compiled.contract.alias) this.#add(compiled, alias)
  }

  /** The alias that a method and path mean; undefined when no route has this path, a problem when only other methods do. */
  match(method: string, path: string): Match | undefined {
    const segments = path.split('/').slice(1).map(decode)
    const allowed = new Set<string>()
    // HEAD asks for what GET would answer, without its body.
    const found = this.#walk(this.#root, segments, 0, method === 'HEAD' ? 'GET' : method, {}, allowed)
    if (allowed.has('GET')) allowed.add('HEAD')
    if (!found && allowed.size > 0)
      throw new Problem('method_not_allowed', { method, path, allowed: [...allowed].sort().join(', ') })
    return found
  }

  #add(compiled: CompiledContract, alias: Alias): void {
    const [method, path] = alias.route.split(' ') as [string, string]
    let place = this.#root
    for (const segment of path.split('/').slice(1))
      place = segment.includes('{') ? patternOf(place, segment) : literalOf(place, segment)
    assert(!place.ends.has(method), `route ${alias.route} stands for one operation`)
    place.ends.set(method, { compiled, alias })
  }

  #walk(
    place: Branch,
    segments: string[],
    index: number,
    method: string,
    parameters: Record<string, string>,
    allowed: Set<string>,
  ): Match | undefined {
    if (index === segments.length) {
      const end = place.ends.get(method)
      for (const other of place.ends.keys()) allowed.add(other)
      return end && { ...end, parameters }
    }
    const segment = segments[index]!
    const next = place.literal.get(segment)
    const found = next && this.#walk(next, segments, index + 1, method, parameters, allowed)
    if (found) return found
    for (const { expression, names, branch } of place.pattern) {
      const values = expression.exec(segment)
      if (!values) continue
      const more = { ...parameters }
      names.forEach((name, position) => {
        more[name] = values[position + 1]!
      })
      const match = this.#walk(branch, segments, index + 1, method, more, allowed)
      if (match) return match
    }
    return undefined
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new Problem('invalid_request', { reason: `The path segment '${segment}' is not valid percent-encoding.` })
  }
}

function literalOf(place: Branch, segment: string): Branch {
  let next = place.literal.get(segment)
  if (!next) place.literal.set(segment, (next = branch()))
  return next
}

function patternOf(place: Branch, segment: string): Branch {
  const shape = segment.replace(/\{\w+\}/g, '{}')
  const names = [...segment.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
  const known = place.pattern.find((entry) => entry.source === shape && entry.names.join() === names.join())
  if (known) return known.branch
  const text = segment.split(/\{\w+\}/).map((literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const entry = {
    source: shape,
    expression: new RegExp(`^${text.join(names.length > 1 ? '([^:]+)' : '(.+)')}$`, 's'),
    names,
    branch: branch(),
  }
  place.pattern.push(entry)
  // More fixed text first: {column}:{type} before {column}.
  place.pattern.sort((a, b) => b.names.length - a.names.length)
  return entry.branch
}
