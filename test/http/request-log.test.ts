import { Writable } from 'node:stream'
import { expect } from 'chai'
import { type Logger, pino } from 'pino'
import { type RequestLine, RequestLog } from '../../src/http/request-log.js'

describe('the line of a request in the log', () => {
  function logger(level: string) {
    const lines: string[] = []
    const stream = new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk))
        done()
      },
    })
    return { lines, log: pino({ level, base: { node: 'n1' } }, stream) }
  }

  function writeTo(log: Logger, line: RequestLine) {
    using requests = new RequestLog(log)
    requests.add(line)
  }

  it('has the shape of every other line', () => {
    const { lines, log } = logger('info')
    const fields = { id: 'a-1', operation: 'insert', user: 'o"neil\n', status: 200, ms: 1.5 }
    log.info(fields, 'request')
    writeTo(log, fields)
    const [wanted, found] = lines.map((line) => ({ ...(JSON.parse(line) as object), time: 0 }))
    expect(found).to.deep.equal(wanted)
    expect(lines[1]).to.match(/^[^\n]*\n$/)
  })

  it('leaves out what is not known, and is not written below its level', () => {
    const { lines, log } = logger('info')
    writeTo(log, { id: 'a-2', operation: undefined, user: undefined, status: 401, ms: 2 })
    expect(Object.keys(JSON.parse(lines[0]!) as object)).to.deep.equal([
      'level',
      'time',
      'node',
      'id',
      'status',
      'ms',
      'msg',
    ])
    const silent = logger('warn')
    writeTo(silent.log, { id: 'a-3', operation: 'ping', user: undefined, status: 200, ms: 2 })
    expect(silent.lines).to.deep.equal([])
  })
})
