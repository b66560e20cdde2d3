type Fields = Record<string, unknown>

/** Mappings of answers to another shape, by the name that contracts use. */
export const replies: Record<string, (answer: unknown, request: Fields) => unknown> = {
  pyql_user_token: (answer) => ({ token: tokenOf(answer) }),
  pyql_join_token: (answer) => ({ join: tokenOf(answer) }),
  pyql_cluster_token: (answer) => ({ PYQL_CLUSTER_SERVICE_TOKEN: tokenOf(answer) }),
  pyql_local_token: (answer) => ({ PYQL_LOCAL_SERVICE_TOKEN: tokenOf(answer) }),
}

function tokenOf(answer: unknown): string {
  return (answer as { token: string }).token
}
