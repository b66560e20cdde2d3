import { Problem } from '../lib/index.js'
import { readDuration, readSwitch, type Section } from './sections.js'

type Kind = 'number' | 'positive' | 'order' | 'text'

const COMMON: Record<string, Kind> = { segments: 'text', order: 'order', trim: 'positive', bucket: 'positive' }
const NUMBERS: Record<string, Kind> = { gt: 'number', gte: 'number', lt: 'number', lte: 'number' }
const RANGE: Record<string, Kind> = { between: 'number', and: 'number' }
const COLUMN: Record<string, Kind> = { ...COMMON, ...NUMBERS, ...RANGE, eq: 'text', rx: 'text', sub: 'text' }
const ENDS: Record<string, Kind> = { min: 'number', max: 'number' }
const HISTOGRAM: Record<string, Kind> = { ...COMMON, ...ENDS, foreach: 'text', session_time: 'positive' }
const SEGMENT_FLAGS = ['ttl', 'use_cached', 'refresh', 'on_insert']
const PARAMETER = /^(str|int|dbl|bool)_\w+$/

/** The fields of a request that the flags of a section stand for: numbers where they are. @throws Problem section_invalid */
export function fieldsOf(section: Section): Record<string, never> {
  const fields = [...section.flags].map(([name, text]) => [name, fieldOf(section, name, text)])
  return Object.fromEntries(fields) as Record<string, never>
}

function fieldOf({ type, line }: Section, name: string, text: string): unknown {
  const known = type === 'column' ? COLUMN : HISTOGRAM
  const kind = known[name] ?? (type === 'histogram' && PARAMETER.test(name) ? 'text' : undefined)
  const wrong = (reason: string) => new Problem('section_invalid', { line, reason })
  if (kind === undefined) {
    const names = [...Object.keys(known), ...(type === 'histogram' ? ['str_, int_, dbl_ or bool_ and a name'] : [])]
    throw wrong(`@${type} has no flag '${name}': ${names.join(', ')}`)
  }
  if (kind === 'text') return text
  if (kind === 'order') {
    if (text === 'asc' || text === 'desc') return text
    throw wrong(`'order' is asc or desc, not '${text}'`)
  }
  const number = Number(text)
  if (kind === 'positive' && !(number > 0 && Number.isFinite(number)))
    throw wrong(`'${name}' is a number above 0, not '${text}'`)
  if (text.trim() === '' || !Number.isFinite(number)) throw wrong(`'${name}' is a number, not '${text}'`)
  return number
}

/** What the flags of a @segment section ask for. @throws Problem section_invalid */
export function segmentFlagsOf({ flags, line }: Section) {
  const unknown = [...flags.keys()].find((flag) => !SEGMENT_FLAGS.includes(flag))
  if (unknown !== undefined) {
    const reason = `a segment has no flag '${unknown}': ${SEGMENT_FLAGS.join(', ')}`
    throw new Problem('section_invalid', { line, reason })
  }
  const ttl = flags.get('ttl')
  const refresh = flags.get('refresh')
  return {
    /** Undefined: lives for the request. */
    ttl: ttl === undefined ? undefined : (readDuration(ttl, line) ?? null),
    refreshMs: refresh === undefined ? null : (readDuration(refresh, line) ?? null),
    useCached: readSwitch(flags.get('use_cached'), 'use_cached', line),
    onInsert: readSwitch(flags.get('on_insert'), 'on_insert', line),
  }
}
