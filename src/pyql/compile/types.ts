/**
 * What is known of a value before it is computed, and so how it is held:
 * none: null · int, double, num (either): a number, NaN for None · bool: true or false · flag: 0 None, 1 False, 2 True ·
 * code:N: a code of the dictionary of slot N, 0 for None · set:N: the row of the set column of slot N ·
 * any: a Value.
 */
export type Type = 'none' | 'int' | 'double' | 'num' | 'bool' | 'flag' | 'any' | `code:${number}` | `set:${number}`

export function slotOf(type: Type): number {
  return Number(type.slice(type.indexOf(':') + 1))
}

export function isCode(type: Type): type is `code:${number}` {
  return type.startsWith('code:')
}

export function isSet(type: Type): type is `set:${number}` {
  return type.startsWith('set:')
}

export function isNumber(type: Type): boolean {
  return type === 'int' || type === 'double' || type === 'num'
}

/** Numbers, and what counts as 1 and 0. */
export function isNumeric(type: Type): boolean {
  return isNumber(type) || type === 'bool' || type === 'flag'
}

export function isWhole(type: Type): boolean {
  return type === 'int' || type === 'bool' || type === 'flag'
}

/**
 * The type of a variable that holds values of both types. Where ints and doubles must be told apart at run time
 * (`tagged`), a variable that holds both holds Values.
 */
export function join(a: Type, b: Type, tagged: boolean): Type {
  if (a === b && (isNumber(a) || isCode(a) || a === 'none')) return a
  if (a === 'none') return holdable(b)
  if (b === 'none') return holdable(a)
  return isNumber(a) && isNumber(b) && !tagged ? 'num' : 'any'
}

/** Variables hold True and False, and sets, as Values. */
function holdable(type: Type): Type {
  return isNumber(type) || isCode(type) ? type : 'any'
}

/** How None is held. */
export function noneOf(type: Type): string {
  if (isNumber(type)) return 'NaN'
  return isCode(type) || type === 'flag' ? '0' : 'null'
}
