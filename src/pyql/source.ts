/** A place in a script: from `start` up to `end`, in UTF-16 units from the beginning of the text. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Place {
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
}

export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  let line = 1
  for (let i = before.indexOf('\n'); i !== -1; i = before.indexOf('\n', i + 1)) line++
  return { line, column: offset - lineStart + 1 }
}

const lineShownMax = 120

/** The line of the span with a row of carets below the span, both indented by two spaces. */
export function pictureOf(text: string, span: Span): string {
  const lineStart = text.lastIndexOf('\n', span.start - 1) + 1
  const lineBreak = text.indexOf('\n', span.start)
  const lineEnd = lineBreak === -1 ? text.length : lineBreak
  const cut = Math.max(lineStart, Math.min(span.start - 40, lineEnd - lineShownMax))
  const shown = text.slice(cut, Math.min(lineEnd, cut + lineShownMax)).replace(/[\t\r]/g, ' ')
  const width = Math.max(1, Math.min(span.end, lineEnd, cut + lineShownMax) - span.start)
  return `  ${shown}\n  ${' '.repeat(span.start - cut)}${'^'.repeat(width)}`
}
