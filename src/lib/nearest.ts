/** Number of edits between two short words, two letters that changed places being one; counted up to `most` + 1. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const changedPlaces = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = changedPlaces ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY
      row.push(Math.min(substitution, previous[j]! + 1, row[j - 1]! + 1, swap))
    }
    before = previous
    previous = row
  }
  return previous[b.length]!
}

/** The known name that a mistyped one most likely means, or undefined when none is near. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > 100) return undefined
  const lower = name.toLowerCase()
  const most = Math.max(1, Math.floor(name.length / 3))
  let best: string | undefined
  let bestDistance = most + 1
  for (const candidate of known) {
    const edits = distance(lower, candidate.toLowerCase(), bestDistance - 1)
    if (edits < bestDistance) {
      best = candidate
      bestDistance = edits
    }
  }
  return best
}

/** " Did you mean 'x'?" for the end of a sentence, or nothing when no known name is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  return asking(nearest(name, known))
}

export function asking(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` Did you mean '${suggestion}'?`
}
