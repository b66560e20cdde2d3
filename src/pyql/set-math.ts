import type { Call, Expression, Script } from './ast.js'
import { setFunctions } from './builtins.js'
import type { ErrorAt } from './names.js'
import type { Mode, SetMath } from './program.js'
import type { Span } from './source.js'
import { allExpressions } from './walk.js'

/**
 * The set function that a script consists of; undefined where it calls none.
 * @throws PyqlError
 */
export function setMathOf(script: Script, mode: Mode, error: ErrorAt): SetMath | undefined {
  const isSetCall = (expression: Expression): expression is Call =>
    expression.kind === 'call' && Object.hasOwn(setFunctions, expression.name)
  const calls = [...allExpressions(script)].filter(isSetCall)
  const [call] = calls
  if (!call) return undefined
  if (mode !== 'segment') throw error(call, `'${call.name}' belongs into segment scripts.`)
  const [only, ...more] = script.body
  const stray = calls[1] ?? (more[0] as Span | undefined)
  if (stray || script.functions.length > 0 || !(only?.kind === 'expression' && only.expression === call)) {
    throw error(
      stray ?? call,
      `A segment that is computed from others consists of one call, such as ${call.name}("a", "b").`,
    )
  }
  const { op, least } = setFunctions[call.name]!
  if (call.args.length < least)
    throw error(call, `'${call.name}' takes ${least === 1 ? 'one name' : 'at least two names'} of segments.`)
  if (least === 1 && call.args.length > 1) throw error(call, `'${call.name}' takes one name of a segment.`)
  const names = call.args.map((arg) => {
    if (arg.kind === 'name') return arg.name
    if (arg.kind === 'constant' && typeof arg.value === 'string') return arg.value
    throw error(arg, `'${call.name}' takes names of segments.`)
  })
  return { op, of: names } as unknown as SetMath
}
