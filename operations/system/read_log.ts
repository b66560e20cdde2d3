import { type Needs, operation } from '../../src/api/index.js'
import { type LogLine, momentIn } from '../../src/lib/index.js'

export default operation('read_log', (request, { logTail }: Needs<'logTail'>) => {
  const { start, limit, level, filter, order } = request
  const from = request.from === undefined ? undefined : momentIn('from', request.from)
  const until = request.until === undefined ? undefined : momentIn('until', request.until)
  const fits = (line: LogLine): boolean =>
    (level === undefined || line.level === level) &&
    (from === undefined || Date.parse(line.timestamp) >= from) &&
    (until === undefined || Date.parse(line.timestamp) <= until) &&
    (filter === undefined || JSON.stringify(line).includes(filter))
  const found = [...logTail.read()].filter(fits)
  if (order === 'asc') found.reverse()
  return found.slice(start, start + limit)
})
