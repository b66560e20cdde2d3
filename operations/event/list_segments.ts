import { type Needs, operation } from '../../src/api/index.js'

export default operation('list_segments', async (request, { catalog, events }: Needs<'catalog' | 'events'>, call) => {
  const segments = await events.listSegments(catalog.table(request.database, request.table), call)
  const now = Date.now()
  return {
    segments: segments.map((segment) => ({
      name: segment.name,
      people: segment.people,
      age_ms: now - segment.computedAt,
      ...(segment.ttlMs !== null && { ttl_ms: segment.ttlMs }),
      ...(segment.refreshMs !== null && { refresh_ms: segment.refreshMs }),
      cost_ms: segment.costMs,
      expired: segment.ttlMs !== null && now - segment.computedAt >= segment.ttlMs,
      from_segments: segment.fromSegments,
      on_insert: segment.onInsert,
      script: segment.script,
    })),
  }
})
