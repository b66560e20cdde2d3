const CHARACTERS_MAX = 100

/** A value as problems show it: its JSON, of which long ones are cut off. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > CHARACTERS_MAX ? `${text.slice(0, CHARACTERS_MAX - 3)}...` : text
}
