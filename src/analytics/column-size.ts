import { Problem } from '../lib/index.js'

/** The greatest extent of the values of a column in an answer. */
export interface ColumnLimits {
  readonly valuesMax: number
  readonly charactersMax: number
}

/** Refuses a column with too many values as soon as it is known to have them: those beyond are neither kept nor sent. */
export class ColumnSize {
  readonly #limits: ColumnLimits
  #values = 0
  #characters = 0

  constructor(limits: ColumnLimits) {
    this.#limits = limits
  }

  /** @throws Problem script_limit, result_too_large */
  add(value: string | number | boolean): void {
    const { valuesMax, charactersMax } = this.#limits
    if (++this.#values > valuesMax) {
      const reason = `The column has more than ${valuesMax} values (setting events.result_nodes_max): use a bucket or a filter.`
      throw new Problem('script_limit', { reason })
    }
    this.#characters += typeof value === 'string' ? value.length : 1
    if (this.#characters > charactersMax)
      throw new Problem('result_too_large', { limit: charactersMax, advice: 'use a filter' })
  }
}
