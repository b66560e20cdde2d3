import { isIP } from 'node:net'

/** An address that a hub or a leaf dials. */
export interface Route {
  host: string
  port: number
}

/** What is known of one node's place in the mesh: its servers' names, and whom they reach. */
export interface NodeLinks {
  name: string
  /** Nodes whose hubs this node's hub dials. */
  hubs: readonly string[]
  /** Nodes whose hubs this node's leaf dials, besides its own. */
  leafs: readonly string[]
  /** A node without a hub has only its leaf. */
  leafOnly: boolean
}

/** Whether a host is this machine by an address that other machines cannot reach. */
export const isLoopback = (host: string) =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

export const sameRoute = (a: Route, b: Route) => a.host === b.host && a.port === b.port

/** Without what else a caller may have given. */
export const plain = ({ host, port }: Route): Route => ({ host, port })

export const routeText = ({ host, port }: Route) => `${host}:${port}`

/**
 * Looks for a way on which one message would reach a server twice. Hubs that are joined by routes are one hub to the
 * outside: NATS itself passes a message over routes once. A leaf link, however, copies messages both ways, so leaf
 * links and groups of hubs must form a forest (checked by union-find). Old servers do not notice such a loop, and one
 * message becomes thousands.
 * @returns the two ends of the first link that closes a loop, or undefined
 */
export function findLoop(nodes: readonly NodeLinks[]): { leaf: string; hub: string } | undefined {
  const parent = new Map<string, string>()
  const root = (name: string): string => {
    let top = name
    while (parent.has(top)) top = parent.get(top)!
    return top
  }
  const join = (a: string, b: string): boolean => {
    const [first, second] = [root(a), root(b)]
    if (first === second) return false
    parent.set(first, second)
    return true
  }
  for (const { name, hubs } of nodes) for (const hub of hubs) join(`hub ${name}`, `hub ${hub}`)
  for (const { name, leafOnly } of nodes) if (!leafOnly) join(`leaf ${name}`, `hub ${name}`)
  for (const { name, leafs } of nodes) {
    for (const hub of leafs) if (!join(`leaf ${name}`, `hub ${hub}`)) return { leaf: name, hub }
  }
  return undefined
}
