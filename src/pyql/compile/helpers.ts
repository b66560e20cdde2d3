const helpers: Readonly<Record<string, string>> = {
  flags: 'const flags = [null, false, true]',
  flagNumbers: 'const flagNumbers = [NaN, 0, 1]',
  textOf: 'const textOf = (dictionary, code) => code === 0 ? null : dictionary.textOf(code)',
  equalNumbers: 'const equalNumbers = (a, b) => a === b || (a !== a && b !== b)',
  orNone: 'const orNone = (x) => x === x ? x : -1.7e308',
  divideInts: 'const divideInts = (a, b) => b === 0 ? a - a : Math.trunc(a / b) + 0',
  divideDoubles: 'const divideDoubles = (a, b) => b === 0 ? a - a : a / b',
  milliseconds: 'const milliseconds = (stamp) => Math.abs(stamp) < 4102444800 ? stamp * 1000 : stamp',
  hasElement: `function hasElement(offsets, values, row, value) {
  for (let i = offsets[row], end = offsets[row + 1]; i < end; i++) if (values[i] === value) return true
  return false
}`,
  hasAny: `function hasAny(offsets, codes, row, among) {
  for (let i = offsets[row], end = offsets[row + 1]; i < end; i++) if (among[codes[i]] === 1) return true
  return false
}`,
  repeats: `function repeats(values, from, at) {
  for (let i = from; i < at; i++) if (values[i] === values[at]) return true
  return false
}`,
  nextRow: `function nextRow(bits, row, end) {
  let word = row >>> 5
  let left = bits[word] >>> (row & 31)
  if (left !== 0) return row + 31 - Math.clz32(left & -left)
  for (const last = (end - 1) >>> 5; word < last; ) {
    left = bits[++word]
    if (left !== 0) return (word << 5) + 31 - Math.clz32(left & -left)
  }
  return end
}`,
  firstFrom: `function firstFrom(rows, from, hint, end, row) {
  let low = from, high = end
  if (hint < end) {
    if (rows[hint] < row) {
      low = hint + 1
      if (low >= end || rows[low] >= row) return low
    } else high = hint
  }
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle] < row) low = middle + 1
    else high = middle
  }
  return low
}`,
  countEvents: `function countEvents(stamp, actions, start, end) {
  let events = end > start ? 1 : 0
  for (let i = start + 1; i < end; i++) if (stamp[i] !== stamp[i - 1] || actions[i] !== actions[i - 1]) events++
  return events
}`,
}

/** The helpers that a program uses, of its own: what is shared between programs sees arrays of every width and slows all down. */
export function helpersFor(program: string): string {
  const words = new Set(program.match(/\b[a-z]\w+\b/gi))
  return Object.entries(helpers)
    .filter(([name]) => words.has(name))
    .map(([, text]) => text)
    .join('\n')
}
