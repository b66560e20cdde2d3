/** What is made when it is first asked for, and kept: most processes never ask for what takes long to load or to make. */
export function onFirstUse<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined
  return () => (made ??= make())
}
