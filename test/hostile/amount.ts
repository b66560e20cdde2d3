/** Whether tests do all that docs/security.md promises, for many minutes: npm run test:hostile. */
export const isFull = process.env['HOSTILE'] === 'full'

/** How much a test does with all the other tests, and how much when it is run in full. */
export function amount(quick: number, full: number): number {
  return isFull ? full : quick
}

/** What a test has measured, for docs/security.md; told when it is run in full, or when HOSTILE_SHOW is set. */
export function show(figures: Record<string, unknown>): void {
  if (isFull || process.env['HOSTILE_SHOW']) console.error(figures)
}
