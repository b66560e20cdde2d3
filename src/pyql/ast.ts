import type { Scalar } from './program.js'
import type { Span } from './source.js'

/** The closed tree of a script. Every node says where it stands. */
export type Expression =
  | Constant
  | Name
  | ColumnName
  | Unary
  | Binary
  | Comparison
  | Logic
  | ListLiteral
  | DictLiteral
  | Subscript
  | Slice
  | Call
  | MethodCall
  | InlineAggregate

export interface Constant extends Span {
  kind: 'constant'
  type: 'int' | 'double' | 'text' | 'bool' | 'none'
  value: Scalar
}
export interface Name extends Span {
  kind: 'name'
  name: string
}
/** column.NAME or column['any name']: a column even where the name means something else. */
export interface ColumnName extends Span {
  kind: 'column'
  name: string
}
export interface Unary extends Span {
  kind: 'unary'
  op: '-' | 'not'
  operand: Expression
}
export type ArithmeticOp = '+' | '-' | '*' | '/'
export interface Binary extends Span {
  kind: 'binary'
  op: ArithmeticOp
  left: Expression
  right: Expression
}
export type ComparisonOp = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in'
export interface Comparison extends Span {
  kind: 'comparison'
  op: ComparisonOp
  left: Expression
  right: Expression
}
export interface Logic extends Span {
  kind: 'logic'
  op: 'and' | 'or'
  left: Expression
  right: Expression
}
export interface ListLiteral extends Span {
  kind: 'list'
  items: Expression[]
}
export interface DictLiteral extends Span {
  kind: 'dict'
  entries: { key: Expression; value: Expression }[]
}
export interface Subscript extends Span {
  kind: 'subscript'
  object: Expression
  index: Expression
}
export interface Slice extends Span {
  kind: 'slice'
  object: Expression
  from: Expression | undefined
  to: Expression | undefined
}
export interface Call extends Span {
  kind: 'call'
  name: string
  args: Expression[]
}
export interface MethodCall extends Span {
  kind: 'method'
  object: Expression
  name: string
  args: Expression[]
}
export type InlineOp = 'SUM' | 'AVG' | 'MIN' | 'MAX' | 'COUNT' | 'DISTINCT'
/** SUM price with order_id where …: over all rows of the person. */
export interface InlineAggregate extends Span {
  kind: 'aggregate'
  op: InlineOp
  column: Name | ColumnName
  key: Name | ColumnName | undefined
  all: boolean
  where: Expression | undefined
}

export type Statement = Assignment | ExpressionStatement | If | For | Match | Return | Delete | Exit | Break | Continue

export type AssignmentOp = '=' | '<<' | '+=' | '-=' | '*=' | '/='
export interface Assignment extends Span {
  kind: 'assignment'
  op: AssignmentOp
  target: Name | Subscript
  value: Expression
}
export interface ExpressionStatement extends Span {
  kind: 'expression'
  expression: Expression
}
export interface If extends Span {
  kind: 'if'
  branches: { condition: Expression; body: Statement[] }[]
  otherwise: Statement[]
}
export interface For extends Span {
  kind: 'for'
  names: [Name] | [Name, Name]
  over: Expression
  body: Statement[]
}
export interface Match extends Span {
  kind: 'match'
  reverse: boolean
  limit: Expression | undefined
  where: Expression | undefined
  body: Statement[]
}
export interface Return extends Span {
  kind: 'return'
  value: Expression | undefined
}
export interface Delete extends Span {
  kind: 'delete'
  target: Name | Subscript
}
export interface Exit extends Span {
  kind: 'exit'
}
export interface Break extends Span {
  kind: 'break'
  levels: number | 'all' | 'top'
}
export interface Continue extends Span {
  kind: 'continue'
}

export interface FunctionDefinition extends Span {
  kind: 'function'
  name: string
  parameters: Name[]
  body: Statement[]
}

/** One line of the agg block. */
export interface AggregateLine extends Span {
  /** undefined: a bare name, which counts a column or is a variable. */
  aggregator: Name | undefined
  of: Name | ColumnName
  alias: Name | undefined
  key: Name | ColumnName | undefined
  all: boolean
  /** var NAME << value */
  value: Expression | undefined
}

export interface Script {
  aggregates: AggregateLine[]
  functions: FunctionDefinition[]
  body: Statement[]
}
