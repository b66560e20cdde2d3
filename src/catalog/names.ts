import { Problem } from '../lib/index.js'

const NAME_LENGTH_MAX = 250
/** Names that would reach a prototype somewhere, and steps of a path, which clients take out of the URLs of aliases. */
const REFUSED = new Set(['__proto__', 'constructor', 'prototype', '.', '..'])
export const RESERVED_DATABASE = 'system'

/**
 * Checks the name of a database, table or column: 1 to 250 printable ASCII characters without / and `.
 * @throws Problem invalid_name
 */
export function checkName(what: 'database' | 'table' | 'attribute', name: string): void {
  const refuse = (reason: string) => {
    throw new Problem('invalid_name', { reason })
  }
  if (name.length === 0) refuse(`'${what}' is not allowed to be empty`)
  if (name.length > NAME_LENGTH_MAX)
    refuse(`'${what}' length must be less than or equal to ${NAME_LENGTH_MAX} characters long`)
  if (/[/`]/.test(name)) refuse(`'${what}' names cannot include backticks or forward slashes`)
  if (!/^[ -~]*$/.test(name)) refuse(`'${what}' names must be printable ASCII characters`)
  if (REFUSED.has(name)) refuse(`'${name}' cannot be the name of a ${what}`)
}
