/** Whether a value equals a wanted one in which '<any>' and '<any:…>' stand for anything. */
export function matches(value: unknown, wanted: unknown): boolean {
  if (typeof wanted === 'string' && /^<any(?::[\s\S]*)?>$/.test(wanted)) return value !== undefined
  if (Array.isArray(wanted))
    return (
      Array.isArray(value) &&
      value.length === wanted.length &&
      wanted.every((item, index) => matches(value[index], item))
    )
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    const keys = Object.keys(wanted)
    return (
      keys.length === Object.keys(value).length &&
      keys.every(
        (key) =>
          Object.hasOwn(value, key) &&
          matches((value as Record<string, unknown>)[key], (wanted as Record<string, unknown>)[key]),
      )
    )
  }
  return Object.is(value, wanted)
}
