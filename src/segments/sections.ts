import { EVERYONE } from '../analytics/index.js'
import { Problem } from '../lib/index.js'

/** A part of a script that begins with a line `@type name key=value …`. */
export interface Section {
  readonly type: 'segment' | 'use' | 'column' | 'histogram'
  readonly name: string
  /** All words behind the type: of @use the names. */
  readonly words: readonly string[]
  /** Flags without a value have the value `true`. */
  readonly flags: ReadonlyMap<string, string>
  /** The lines below, without the indentation that they share; lines before them are empty, so that errors name the right line. */
  readonly script: string
  /** Columns of that indentation. */
  readonly indent: number
  readonly line: number
}

/** Names of segments are part of keys. */
const NAME_CHARACTERS_MAX = 250

const TYPES = ['segment', 'use', 'column', 'histogram']

/** Takes a body of sections apart. */
export function readSections(text: string): Section[] {
  const lines = text.replaceAll('\r', '').split('\n')
  const heads = lines.flatMap((line, at) => (line.startsWith('@') ? [at] : []))
  const stray = lines.slice(0, heads[0] ?? lines.length).findIndex((line) => isCode(line))
  if (heads.length === 0) throw problem('no @segment, @use, @column or @histogram section could be found', 1)
  if (stray >= 0) throw problem('a script begins with a section: @segment, @use, @column or @histogram', stray + 1)
  return heads.map((head, index) => readSection(lines, head, heads[index + 1] ?? lines.length))
}

function readSection(lines: readonly string[], head: number, end: number): Section {
  const [first = '', ...words] = lines[head]!.slice(1)
    .replace(/\s#.*$/, '')
    .replace(/:\s*$/, '')
    .trim()
    .split(/\s+/)
  if (!TYPES.includes(first)) throw problem(`'@${first}' is no section; sections are @${TYPES.join(', @')}`, head + 1)
  const type = first as Section['type']
  const [name] = words
  if (!name) throw problem(`@${type} needs a name`, head + 1)
  if (name.length > NAME_CHARACTERS_MAX) throw problem(`a name has at most ${NAME_CHARACTERS_MAX} characters`, head + 1)
  if (type === 'segment' && name.includes(',')) throw problem('commas stand between names of segments', head + 1)
  if (type === 'segment' && name === EVERYONE) throw problem("'*' is everyone and cannot be defined", head + 1)
  const flags = new Map<string, string>()
  for (const word of words.slice(1)) {
    const [key = '', ...value] = word.split('=')
    flags.set(key, value.length > 0 ? value.join('=') : 'true')
  }
  const body = lines.slice(head + 1, end)
  const stray = type === 'use' || type === 'column' ? body.findIndex(isCode) : -1
  if (stray >= 0) throw problem(`@${type} has no script`, head + 2 + stray)
  const indent = Math.min(...body.filter(isCode).map((line) => /^[ ]*/.exec(line.replaceAll('\t', '    '))![0].length))
  const script = body.map((line) => (isCode(line) ? line.replaceAll('\t', '    ').slice(indent) : ''))
  return {
    type,
    name,
    words,
    flags,
    script: [...lines.slice(0, head + 1).map(() => ''), ...script, ''].join('\n'),
    indent: Number.isFinite(indent) ? indent : 0,
    line: head + 1,
  }
}

function isCode(line: string): boolean {
  const code = line.trim()
  return code !== '' && !code.startsWith('#')
}

const UNITS: Record<string, number> = { '': 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of a time like 30, 30s, 5m, 2h, 1d; undefined for `forever`. */
export function readDuration(text: string, line: number): number | undefined {
  if (text === 'forever') return undefined
  const parts = /^(\d{1,9})([smhd]?)$/.exec(text)
  if (!parts) throw problem(`'${text}' is no time: write seconds, or a number with s, m, h or d`, line)
  return Number(parts[1]) * UNITS[parts[2]!]!
}

/** Whether a flag is set. */
export function readSwitch(text: string | undefined, name: string, line: number): boolean {
  const value = text?.toLowerCase() ?? 'false'
  if (value !== 'true' && value !== 'false') throw problem(`'${name}' is true or false, not '${text}'`, line)
  return value === 'true'
}

/** Runs something with the script of a section: an error names the column of the body, with the indentation. */
export async function sayingColumn<T>({ indent }: Section, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const column = error instanceof Problem ? error.more.column : undefined
    if (typeof column !== 'number') throw error
    const { code, facts, more } = error as Problem
    throw new Problem(code, facts, { ...more, column: column + indent })
  }
}

function problem(reason: string, line: number): Problem {
  return new Problem('section_invalid', { reason, line })
}
