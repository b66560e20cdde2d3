type Row = Readonly<Record<string, unknown>>

/** Longest cell on a screen, in characters; a file gets the cells whole. */
const CELL_MAX = 60
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u
const ZERO = /\p{Mark}|\u200d/u

/** Rows as an aligned table with a line under the names; numbers stand on the right. */
export function table(rows: readonly Row[], { cut }: { cut: boolean }): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = rows.map((row) => names.map((name) => shorten(cellOf(name, row[name]), cut)))
  const right = names.map((name) => rows.every((row) => row[name] == null || typeof row[name] === 'number'))
  const widths = names.map((name, column) => widest(cells, (row) => width(row[column]!), width(name)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => pad(cell, widths[column]!, right[column]!))
      .join('  ')
      .trimEnd()
  return [line(names.map(plain)), widths.map((size) => '─'.repeat(size)).join('  '), ...cells.map(line)].join('\n')
}

/** One value as a person reads it: sizes, times and durations by the name of their field. */
export function cellOf(name: string, value: unknown): string {
  if (value === undefined) return ''
  if (value === null) return 'null'
  if (typeof value === 'number') return numberOf(name, value)
  return plain(typeof value === 'string' ? value : JSON.stringify(value))
}

function numberOf(name: string, value: number): string {
  if (/(time__|_datetime|_at|timestamp)$/.test(name) && value > 1e11 && value < 1e14)
    return new Date(value).toISOString()
  if (/(^|_)bytes$/.test(name)) return bytes(value)
  return String(value)
}

/** 98304000 → 98.3 MB */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  let size = value
  for (; size >= 1000 && unit < units.length - 1; unit++) size /= 1000
  return `${unit === 0 ? size : size.toPrecision(3)} ${units[unit]}`
}

/** A text without what could move the cursor or recolour the screen. */
export function plain(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function shorten(text: string, cut: boolean): string {
  return cut && text.length > CELL_MAX ? `${text.slice(0, CELL_MAX - 1)}…` : text
}

/** The largest of many numbers: as arguments of Math.max there may be too many. */
export function widest<T>(items: readonly T[], sizeOf: (item: T) => number, least: number): number {
  return items.reduce((most, item) => Math.max(most, sizeOf(item)), least)
}

function pad(cell: string, size: number, right: boolean): string {
  const space = ' '.repeat(size - width(cell))
  return right ? space + cell : cell + space
}

function width(text: string): number {
  let sum = 0
  for (const character of text) sum += ZERO.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return sum
}
