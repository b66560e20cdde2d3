import type { Assignment, Expression, Match, Statement } from '../ast.js'
import type { Checked } from '../check.js'

/** Functions of single values that answer something for whatever they are given. */
const PURE = /^((to|get|date)_\w+|int|float|str|len|round|trunc|fix|bucket|iter_within|iter_between)$/

/** Which parts of a script nobody hears of, and cannot fail: whether they run makes no difference to others. */
export class Quiet {
  readonly #checked: Checked

  constructor(checked: Checked) {
    this.#checked = checked
  }

  statement(node: Statement): boolean {
    switch (node.kind) {
      case 'assignment':
        return this.#assignment(node)
      case 'if':
        return (
          node.branches.every(({ condition, body }) => this.#expression(condition) && this.#all(body)) &&
          this.#all(node.otherwise)
        )
      case 'match':
        // Matches within matches may run into the budget of steps.
        return this.isHead(node) && !node.body.some(({ kind }) => kind === 'match') && this.#all(node.body)
      case 'exit':
      case 'break':
      case 'continue':
        return true
      default:
        return false
    }
  }

  /** Whether looking for the rows of a match is quiet. */
  isHead({ limit, where }: Match): boolean {
    return (!limit || this.#expression(limit)) && (!where || this.#expression(where))
  }

  #all(body: readonly Statement[]): boolean {
    return body.every((statement) => this.statement(statement))
  }

  /** What goes into a container may be refused. */
  #assignment({ op, target, value }: Assignment): boolean {
    if (target.kind !== 'name') return false
    return op === '=' || op === '<<' ? this.#expression(value) : this.#single(value)
  }

  #expression(node: Expression): boolean {
    switch (node.kind) {
      case 'constant':
      case 'name':
      case 'column':
        return true
      case 'unary':
        return node.op === 'not' ? this.#expression(node.operand) : this.#single(node.operand)
      case 'comparison':
      case 'logic':
        return this.#expression(node.left) && this.#expression(node.right)
      case 'list':
        return node.items.every((item) => this.#single(item))
      case 'aggregate':
        return !node.where || this.#expression(node.where)
      default:
        return this.#single(node)
    }
  }

  /** A quiet expression that is a single value for certain, no container. */
  #single(node: Expression): boolean {
    switch (node.kind) {
      case 'constant':
        return true
      case 'name':
      case 'column':
        return this.#isSingle(node)
      case 'unary':
        return this.#single(node.operand)
      case 'binary':
        return this.#single(node.left) && this.#single(node.right)
      case 'logic':
        return this.#single(node.left) && this.#single(node.right)
      case 'comparison':
        return this.#expression(node)
      case 'call':
        return PURE.test(node.name) && node.args.every((arg) => this.#single(arg))
      case 'aggregate':
        return this.#expression(node)
      default:
        return false
    }
  }

  #isSingle(node: Expression & { kind: 'name' | 'column' }): boolean {
    const binding = this.#checked.bindings.get(node)
    if (binding?.kind === 'column') return !this.#checked.columns[binding.slot]!.isSet
    return binding?.kind === 'value' || binding?.kind === 'none'
  }
}
