/**
 * The shape that compiled programs scan: people with their rows, in columns of typed arrays.
 *
 * Rows of one person are contiguous and ordered by (stamp, z-order, arrival). A column has the same width of codes in
 * every block of one partition generation: arrays of several widths at one place make V8 megamorphic. Only the columns
 * that a program names are filled in, each at the slot that the program gave it.
 */

/** Texts of a column, numbered from 1. One object may serve many blocks; what a program learns of it is kept by identity. */
export interface Dictionary {
  /** The code of a text, or -1 when no row of the blocks that share this dictionary has it. */
  codeOf(text: string): number
  /** The text of a code from 1 to `size`. */
  textOf(code: number): string
  /** The number of texts; codes run from 1 to `size`. It may grow between blocks, never shrink, and codes keep their text. */
  readonly size: number
  /** Where there are not too many of them: one numbering of the texts of all dictionaries of the column. */
  common?(): CommonTexts | undefined
}

/** Texts of a column under one numbering, from 1, whatever dictionary they come from. */
export interface CommonTexts {
  readonly size: number
  textOf(place: number): string
  /** By code of the dictionary that was asked, the number; 0 for None. */
  readonly places: Int32Array
}

/** 0 means None. */
export type Codes = Uint8Array | Uint16Array | Uint32Array

export interface TextColumn {
  readonly kind: 'text'
  readonly codes: Codes
  readonly dictionary: Dictionary
}

/** int and double; NaN means None. */
export interface NumberColumn {
  readonly kind: 'number'
  readonly values: Float64Array
}

/** 0 None, 1 False, 2 True. */
export interface BoolColumn {
  readonly kind: 'bool'
  readonly values: Uint8Array
}

/** Elements of row r are codes[offsets[r]] up to codes[offsets[r + 1]] (exclusive), in the order that was inserted. */
export interface TextSetColumn {
  readonly kind: 'text_set'
  readonly offsets: Uint32Array
  readonly codes: Codes
  readonly dictionary: Dictionary
}

export interface NumberSetColumn {
  readonly kind: 'number_set'
  readonly offsets: Uint32Array
  readonly values: Float64Array
}

/** Elements are 1 False, 2 True. */
export interface BoolSetColumn {
  readonly kind: 'bool_set'
  readonly offsets: Uint32Array
  readonly values: Uint8Array
}

export type ColumnData = TextColumn | NumberColumn | BoolColumn | TextSetColumn | NumberSetColumn | BoolSetColumn

/** Rows as bits: row r is bit r % 32 of word r / 32. */
export type RowBits = Uint32Array

/** Some rows of a block by themselves, those of each person one after the other, so that reading them is reading on. */
export interface PickedRows {
  /** Those of person i are at the places from[i] up to to[i]. */
  readonly from: Uint32Array
  readonly to: Uint32Array
  /** By place the row, in order for each person. */
  readonly rows: Uint32Array
  /** By place what the column of a slot holds, which is there and no set. */
  column(slot: number): Codes | Float64Array
}

export interface ScanBlock {
  readonly people: number
  /** Places for rows: the length of columns. */
  readonly rows: number
  /** Rows of person i run from rowStart[i] up to rowEnd[i]; nobody has no rows. Nobody looks at places between people. */
  readonly rowStart: Uint32Array
  readonly rowEnd: Uint32Array
  /** Milliseconds since 1970. */
  readonly stamp: Float64Array
  /**
   * By slot: data of `program.columns[slot]`; a column that the block does not have (added later) is undefined. The
   * action of an event is a text column like any other, named `__action`.
   */
  readonly columns: readonly (ColumnData | undefined)[]
  /** The person's number, dense per partition: bit position in populations. */
  readonly personNumber: Uint32Array
  /**
   * Where the block is read more than once: the rows of a condition on one of its columns, by a name, are kept for as
   * long as there is memory for them. `mark` decides about the rows from one up to another.
   */
  remember?(slot: number, name: string, mark: (bits: RowBits, from: number, to: number) => void): RowBits
  /**
   * The rows that `remember` gave under the same name by themselves, where the block is read so often that keeping them
   * twice is worth it.
   */
  pick?(slot: number, name: string, bits: RowBits): PickedRows | undefined
  /** The person's id as given at insert. Called only when a script asks for it. */
  personId(index: number): string | number
}

/** A set of people of one partition: bit n of word n / 32 says whether person number n is in it. */
export type Population = Uint32Array
