import { PyqlError } from './errors.js'
import type { Scalar } from './program.js'

/** Values for {{name}} in a script, by name. */
export type Parameters = ReadonlyMap<string, Scalar>

const readers: Record<string, (text: string) => Scalar | undefined> = {
  str: (text) => text,
  int: (text) => (/^-?\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined),
  dbl: (text) => (/^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined),
  bool: (text) => ({ true: true, false: false, '1': true, '0': false })[text.toLowerCase()],
}

/**
 * Reads `str_NAME`, `int_NAME`, `dbl_NAME` and `bool_NAME` out of the fields of a request; other fields are left alone.
 * Throws PyqlError where a text is not of the type that its prefix promises.
 */
export function parametersOf(fields: Iterable<readonly [string, unknown]>): Parameters {
  const parameters = new Map<string, Scalar>()
  for (const [field, given] of fields) {
    const [, type, name] = /^(str|int|dbl|bool)_(\w+)$/.exec(field) ?? []
    if (type === undefined || name === undefined) continue
    const value = typeof given === 'object' ? undefined : readers[type]!(String(given))
    if (value === undefined) {
      const shown = typeof given === 'object' ? JSON.stringify(given) : `'${given}'`
      throw new PyqlError('syntax', `Parameter '${field}' cannot be read as ${type}: ${shown}.`)
    }
    parameters.set(name, value)
  }
  return parameters
}
