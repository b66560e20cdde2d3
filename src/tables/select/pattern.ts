// Patterns with `*` for any text. They are split once and matched in one pass, so no text of a caller is ever costly.

/** A pattern: the texts between its stars. One part: no star. */
export type Pattern = readonly string[]

/** Splits at the stars; `\*` is a star and `\\` a backslash that mean themselves. */
export function parsePattern(text: string): Pattern {
  const parts = ['']
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!
    if (character === '*') parts.push('')
    else if (character === '\\' && (text[i + 1] === '*' || text[i + 1] === '\\')) parts[parts.length - 1] += text[++i]!
    else parts[parts.length - 1] += character
  }
  return parts
}

/** True when the whole text fits the pattern. Taking each part at its first place is enough, as stars take any text. */
export function fits(pattern: Pattern, text: string): boolean {
  const first = pattern[0]!
  const last = pattern[pattern.length - 1]!
  if (pattern.length === 1) return text === first
  if (!text.startsWith(first)) return false
  let at = first.length
  for (let i = 1; i < pattern.length - 1; i++) {
    const found = text.indexOf(pattern[i]!, at)
    if (found < 0) return false
    at = found + pattern[i]!.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

/** PYQL's `like`: letters in any case, and without a star the text is looked for anywhere. */
export function likePattern(text: string): { anyCase: string; matches: (value: string) => boolean } {
  const pattern = parsePattern(text.toLowerCase())
  const whole = pattern.length === 1 ? ['', pattern[0]!, ''] : pattern
  return { anyCase: whole[0]!, matches: (value) => fits(whole, value.toLowerCase()) }
}
