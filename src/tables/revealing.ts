import { Problem, type ProblemCode, type ProblemFacts, type Rights, type View } from '../lib/index.js'

/** Whoever is told of a problem: what they may read, and know of. */
export interface Told {
  readonly view: View
  readonly rights: Pick<Rights, 'known'>
}

/** A table, or a column of one, that a problem names; `read`: it shows a value of it, too. */
export interface Named {
  database: string
  table: string
  column?: string
  read?: true
}

/**
 * A problem that names what the caller has not named: what else refers to a record, where parents are, what has to be
 * filled. Who may not know of all that is told `instead`, and no facts.
 */
export class RevealingProblem<Code extends ProblemCode = ProblemCode> extends Problem<Code> {
  readonly names: readonly Named[]
  readonly instead: string

  constructor(code: Code, facts: ProblemFacts[Code], names: readonly Named[], instead: string) {
    super(code, facts)
    this.names = names
    this.instead = instead
  }
}

class VeiledProblem extends Problem {
  constructor({ code, facts, more, instead }: RevealingProblem) {
    super(code, facts, more)
    this.message = `${instead}. Nothing was stored.`
  }

  override toJSON(): Record<string, unknown> {
    const whole = super.toJSON()
    for (const name of Object.keys(this.facts)) if (name !== 'index') delete whole[name]
    return whole
  }
}

/** What went wrong, as it may be told. */
export function toldTo(told: Told, error: unknown): unknown {
  if (!(error instanceof RevealingProblem)) return error
  const { view, rights } = told
  const isKnown = ({ database, table, column, read }: Named) => {
    const eyes = read ? view : rights.known
    return column === undefined ? eyes.seesTable(database, table) : eyes.seesColumn(database, table, column)
  }
  return error.names.every(isKnown) ? error : new VeiledProblem(error)
}
