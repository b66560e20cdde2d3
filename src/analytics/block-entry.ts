/** A block of neighbouring people of a partition. Never changed in place: a block written anew has a new id. */
export interface BlockEntry {
  readonly id: number
  /** The first person's number. */
  readonly first: number
  readonly people: number
  readonly rows: number
  /** Rows of the log below this number are in the block, for its people. */
  readonly folded: number
  /** The same as rows of the present delta. */
  readonly foldedRows: number
}

/** The block of a person, or undefined when the person is only in the delta. */
export function blockOf(blocks: readonly BlockEntry[], person: number): BlockEntry | undefined {
  let low = 0
  let high = blocks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const block = blocks[middle]!
    if (person < block.first) high = middle
    else if (person >= block.first + block.people) low = middle + 1
    else return block
  }
  return undefined
}
