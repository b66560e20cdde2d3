import { packageOnFirstUse } from './on-first-use.js'

const library = packageOnFirstUse<typeof import('yaml')>('yaml')

/** Collections and their entries count, so that values may lie half as deep in one another. */
const DEPTH_MAX = 64

/**
 * The value of a YAML text. It is parsed by functions that call themselves: V8 ends the process when it has to compile
 * a regular expression where their stack ends, so the depth is bounded before.
 * @throws Error that says what is wrong and where, but shows nothing of the text: it may hold secrets
 */
export function parseYaml(text: string): unknown {
  const { Lexer, Parser, parse } = library()
  const parser = new Parser()
  for (const lexeme of new Lexer().lex(text)) {
    Array.from(parser.next(lexeme)) // it reads on as its tokens are taken
    if (parser.stack.length > DEPTH_MAX) throw new Error('Values lie too deep in one another.')
  }
  try {
    return parse(text)
  } catch (error) {
    throw new Error((error as Error).message.split(':\n')[0])
  }
}
