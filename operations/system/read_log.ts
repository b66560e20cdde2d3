import { type Needs, operation } from '../../src/api/index.js'
import type { LogLine } from '../../src/lib/index.js'

export default operation('read_log', (request, { logTail }: Needs<'logTail'>) => {
  const { start, limit, level, from, until, filter, order } = request
  const fits = (line: LogLine): boolean =>
    (level === undefined || line.level === level) &&
    (from === undefined || Date.parse(line.timestamp) >= Date.parse(from)) &&
    (until === undefined || Date.parse(line.timestamp) <= Date.parse(until)) &&
    (filter === undefined || JSON.stringify(line).includes(filter))
  const found = [...logTail.read()].filter(fits)
  if (order === 'asc') found.reverse()
  return found.slice(start, start + limit)
})
