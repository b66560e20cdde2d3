type Fields = Record<string, unknown>

const rowsOf = (value: unknown): Fields[] => (Array.isArray(value) ? (value as Fields[]) : [])

/** Answers about the mesh hold lists in lists; people read one table for the nodes and one for what is shared. */
export function forPeople(operation: string, answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer
  if (operation === 'cluster_status') return status(answer as Fields)
  if (operation === 'cluster_network') return { nodes: rowsOf((answer as Fields)['nodes']).map(nodeOfNetwork) }
  return answer
}

function status({ connections, ...rest }: Fields): Fields {
  const nodes = rowsOf(connections)
  const tables = nodes.flatMap(({ node_name, subscriptions }) =>
    rowsOf(subscriptions).map(({ full_copy, last_full_copy: _, publish, schema, subscribe, table, ...one }) => ({
      node_name,
      table: `${schema}.${table}`,
      direction: publish && subscribe ? 'both ways' : publish ? 'from here' : 'to here',
      entries_behind: one['entries_behind'],
      seconds_behind: one['seconds_behind'],
      conflicts: one['conflicts'],
      in_sync: one['in_sync'],
      ...(full_copy ? { full_copy: (full_copy as Fields)['reason'] } : {}),
    })),
  )
  return {
    ...rest,
    connections: nodes.map(({ ports, subscriptions: _, waiting, ...one }) => ({
      ...one,
      waiting: waiting ? `${Math.round(Number((waiting as Fields)['share']) * 100)} % of the log` : '',
      ...prefixed(ports as Fields),
    })),
    ...(tables.length > 0 ? { tables } : {}),
  }
}

const prefixed = (ports: Fields) =>
  Object.fromEntries(Object.entries(ports ?? {}).map(([name, port]) => [`${name}_port`, port]))

function nodeOfNetwork({ connected_nodes, routes, ...one }: Fields): Fields {
  return {
    ...one,
    ...(Array.isArray(connected_nodes) ? { connected_nodes: connected_nodes.join(', ') } : {}),
    ...(Array.isArray(routes)
      ? {
          routes: rowsOf(routes)
            .map(({ host, port }) => `${host}:${port}`)
            .join(', '),
        }
      : {}),
  }
}
