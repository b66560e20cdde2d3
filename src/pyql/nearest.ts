/**
 * The name that was probably meant: the one with the smallest edit distance (insert, delete, replace, swap of
 * neighbours: optimal string alignment) that is at most a third of the length, or undefined.
 */
export function nearestName(written: string, names: Iterable<string>): string | undefined {
  const most = Math.max(1, Math.floor(written.length / 3))
  let best: string | undefined
  let bestDistance = most + 1
  for (const name of names) {
    if (Math.abs(name.length - written.length) > most) continue
    const distance = editDistance(written.toLowerCase(), name.toLowerCase())
    if (distance < bestDistance || (distance === bestDistance && best !== undefined && name < best)) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/** " Did you mean 'fruit'?", or nothing. */
export function suggestion(written: string, names: Iterable<string>): string {
  const name = nearestName(written, names)
  return name === undefined ? '' : ` Did you mean '${name}'?`
}

function editDistance(a: string, b: string): number {
  let older: number[] = []
  let old = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = old[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(replace, old[j]! + 1, row[j - 1]! + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, older[j - 2]! + 1)
      row.push(least)
    }
    older = old
    old = row
  }
  return old[b.length]!
}
