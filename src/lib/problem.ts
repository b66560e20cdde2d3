import { type ProblemCode, type ProblemFacts, problems } from '../generated/problems.js'
import { asking } from './nearest.js'

/**
 * An expected failure that the caller is told of. The code names a row of schemas/problems.json; the facts fill the
 * placeholders of its detail and stand in the answer; `suggestion`, where there is one, becomes a question at its end.
 * `more` adds members to the answer that no sentence needs.
 */
export class Problem<Code extends ProblemCode = ProblemCode> extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly title: string
  readonly retry: boolean
  readonly code: Code
  readonly facts: ProblemFacts[Code]
  readonly more: Record<string, unknown>

  constructor(code: Code, facts: ProblemFacts[Code], more: Record<string, unknown> = {}) {
    const row = problems[code]
    // It is told to the caller and looked up nowhere. The stack would cost as much as the rest of a refused request.
    const depth = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(fill(row.detail, facts as Record<string, unknown>))
    Error.stackTraceLimit = depth
    this.code = code
    this.facts = facts
    this.more = more
    this.status = row.status
    this.title = row.title
    this.retry = row.retry
  }

  /** The body of the answer: RFC 9457 problem details, with `error` for clients that read HarperDB's errors. */
  toJSON(): Record<string, unknown> {
    return {
      type: `https://trellisdb.dev/problems/${this.code}`,
      title: this.title,
      status: this.status,
      code: this.code,
      detail: this.message,
      error: this.message,
      retry: this.retry,
      ...(this.facts as Record<string, unknown>),
      ...this.more,
    }
  }
}

function fill(detail: string, facts: Record<string, unknown>): string {
  return detail.replace(/\{(\w+)\}/g, (_, name: string, at: number) => {
    if (name !== 'suggestion') return String(facts[name])
    const question = asking(facts['suggestion'] as string | undefined)
    return question !== '' && detail[at - 1] !== '.' ? `.${question}` : question
  })
}
