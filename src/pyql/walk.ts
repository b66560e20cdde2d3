import type { Expression, Script, Statement } from './ast.js'

/** The expressions directly within an expression. */
export function childrenOf(expression: Expression): Expression[] {
  switch (expression.kind) {
    case 'constant':
    case 'name':
    case 'column':
      return []
    case 'unary':
      return [expression.operand]
    case 'binary':
    case 'comparison':
    case 'logic':
      return [expression.left, expression.right]
    case 'list':
      return [...expression.items]
    case 'dict':
      return expression.entries.flatMap(({ key, value }) => [key, value])
    case 'subscript':
      return [expression.object, expression.index]
    case 'slice':
      return [expression.object, expression.from, expression.to].filter((part) => part !== undefined)
    case 'call':
      return [...expression.args]
    case 'method':
      return [expression.object, ...expression.args]
    case 'aggregate':
      return expression.where ? [expression.where] : []
  }
}

/** The expressions directly within a statement, and the statements of its blocks. */
export function partsOf(statement: Statement): { expressions: Expression[]; blocks: Statement[][] } {
  switch (statement.kind) {
    case 'assignment':
      return { expressions: [statement.target, statement.value], blocks: [] }
    case 'expression':
      return { expressions: [statement.expression], blocks: [] }
    case 'if':
      return {
        expressions: statement.branches.map(({ condition }) => condition),
        blocks: [...statement.branches.map(({ body }) => body), statement.otherwise],
      }
    case 'for':
      return { expressions: [statement.over], blocks: [statement.body] }
    case 'match':
      return {
        expressions: [statement.limit, statement.where].filter((part) => part !== undefined),
        blocks: [statement.body],
      }
    case 'return':
      return { expressions: statement.value ? [statement.value] : [], blocks: [] }
    case 'delete':
      return { expressions: [statement.target], blocks: [] }
    default:
      return { expressions: [], blocks: [] }
  }
}

/** All statements, outer before inner. */
export function* statementsIn(body: readonly Statement[]): Generator<Statement> {
  for (const statement of body) {
    yield statement
    for (const block of partsOf(statement).blocks) yield* statementsIn(block)
  }
}

/** An expression and all within it, outer before inner. */
export function* expressionsIn(expression: Expression): Generator<Expression> {
  const open = [expression]
  for (let node = open.pop(); node; node = open.pop()) {
    yield node
    open.push(...childrenOf(node).reverse())
  }
}

/** How many expressions stand around the innermost one. */
export function depthOf(expression: Expression): number {
  const open: { node: Expression; depth: number }[] = [{ node: expression, depth: 0 }]
  let deepest = 0
  for (let next = open.pop(); next; next = open.pop()) {
    const depth = next.depth + 1
    deepest = Math.max(deepest, next.depth)
    for (const node of childrenOf(next.node)) open.push({ node, depth })
  }
  return deepest
}

export function* expressionsOf(body: readonly Statement[]): Generator<Expression> {
  for (const statement of statementsIn(body)) {
    for (const expression of partsOf(statement).expressions) yield* expressionsIn(expression)
  }
}

/** Every statement of a script, functions included. */
export function* allStatements(script: Script): Generator<Statement> {
  for (const { body } of [...script.functions, script]) yield* statementsIn(body)
}

export function* allExpressions(script: Script): Generator<Expression> {
  for (const { value } of script.aggregates) if (value) yield* expressionsIn(value)
  for (const { body } of [...script.functions, script]) yield* expressionsOf(body)
}
