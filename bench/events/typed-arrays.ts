import { COUNTRIES, type LoadEvent, PAGES, PRODUCTS } from './load.js'

const WEEK_MS = 604_800_000

/** The same events in typed arrays, people contiguous, and the questions as loops written by hand: one thread. */
export class TypedArrays {
  readonly #start: Uint32Array
  readonly #stamp: Float64Array
  readonly #isPurchase: Uint8Array
  readonly #page: Uint8Array
  readonly #country: Uint8Array
  /** 0: none. */
  readonly #product: Uint16Array
  readonly #price: Float64Array

  constructor(people: number, rounds: number, events: Iterable<LoadEvent>) {
    const rows = people * rounds
    this.#start = Uint32Array.from({ length: people + 1 }, (_, person) => person * rounds)
    this.#stamp = new Float64Array(rows)
    this.#isPurchase = new Uint8Array(rows)
    this.#page = new Uint8Array(rows)
    this.#country = new Uint8Array(rows)
    this.#product = new Uint16Array(rows)
    this.#price = new Float64Array(rows).fill(NaN)
    const codes = (texts: readonly string[]) => new Map(texts.map((text, at) => [text, at]))
    const [pages, countries, products] = [codes(PAGES), codes(COUNTRIES), codes(PRODUCTS)]
    let at = 0
    for (const { stamp, action, _: values } of events) {
      const row = (at % people) * rounds + Math.floor(at / people)
      at++
      this.#stamp[row] = stamp
      this.#isPurchase[row] = action === 'purchase' ? 1 : 0
      this.#page[row] = pages.get(values.page)!
      this.#country[row] = countries.get(values.country)!
      if (values.product === undefined) continue
      this.#product[row] = products.get(values.product)! + 1
      this.#price[row] = values.price!
    }
  }

  get #people(): number {
    return this.#start.length - 1
  }

  countAll(): number[] {
    let people = 0
    let actions = 0
    for (let person = 0; person < this.#people; person++) {
      const end = this.#start[person + 1]!
      let any = false
      for (let row = this.#start[person]!; row < end; row++) {
        actions++
        any = true
      }
      if (any) people++
    }
    return [people, actions]
  }

  /** By country and page of page views: people and views. */
  groups(): number {
    const people = new Uint32Array(8 * 200)
    const counts = new Uint32Array(8 * 200)
    const last = new Int32Array(8 * 200).fill(-1)
    const ofCountry = new Uint32Array(8)
    const lastOfCountry = new Int32Array(8).fill(-1)
    for (let person = 0; person < this.#people; person++) {
      const end = this.#start[person + 1]!
      for (let row = this.#start[person]!; row < end; row++) {
        if (this.#isPurchase[row] === 1) continue
        const country = this.#country[row]!
        if (lastOfCountry[country] !== person) {
          lastOfCountry[country] = person
          ofCountry[country]!++
        }
        const group = country * 200 + this.#page[row]!
        if (last[group] !== person) {
          last[group] = person
          people[group]!++
        }
        counts[group]!++
      }
    }
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** People by product bought and product bought next. */
  nextPurchases(): number {
    const people = new Uint32Array(501 * 501)
    const last = new Int32Array(501 * 501).fill(-1)
    const first = new Uint32Array(501)
    const lastFirst = new Int32Array(501).fill(-1)
    for (let person = 0; person < this.#people; person++) {
      const end = this.#start[person + 1]!
      let before = 0
      for (let row = this.#start[person]!; row < end; row++) {
        if (this.#isPurchase[row] !== 1) continue
        const product = this.#product[row]!
        if (before !== 0) {
          if (lastFirst[before] !== person) {
            lastFirst[before] = person
            first[before]!++
          }
          const pair = before * 501 + product
          if (last[pair] !== person) {
            last[pair] = person
            people[pair]!++
          }
        }
        before = product
      }
    }
    return people.reduce((sum, count) => sum + count, 0)
  }

  /** By country of rows with a price: people and the sum of prices. */
  sums(): Float64Array {
    const people = new Uint32Array(8)
    const last = new Int32Array(8).fill(-1)
    const sum = new Float64Array(8)
    for (let person = 0; person < this.#people; person++) {
      const end = this.#start[person + 1]!
      for (let row = this.#start[person]!; row < end; row++) {
        const price = this.#price[row]!
        if (Number.isNaN(price)) continue
        const country = this.#country[row]!
        if (last[country] !== person) {
          last[country] = person
          people[country]!++
        }
        sum[country]! += price
      }
    }
    return sum
  }

  /** People who see page_0, buy after it, and see page_1 after that, all within a week of the first. */
  funnel(): number[] {
    const reached = [0, 0, 0]
    for (let person = 0; person < this.#people; person++) {
      const end = this.#start[person + 1]!
      let row = this.#start[person]!
      while (row < end && this.#page[row] !== 0) row++
      if (row === end) continue
      reached[0]!++
      const until = this.#stamp[row]! + WEEK_MS
      row++
      while (row < end && this.#isPurchase[row] !== 1) row++
      if (row >= end || this.#stamp[row]! > until) continue
      reached[1]!++
      row++
      while (row < end && this.#page[row] !== 1) row++
      if (row >= end || this.#stamp[row]! > until) continue
      reached[2]!++
    }
    return reached
  }

  /** By product: people, purchases and the sum of prices. */
  products(): number {
    const people = new Uint32Array(501)
    const counts = new Uint32Array(501)
    const sums = new Float64Array(501)
    const last = new Int32Array(501).fill(-1)
    for (let person = 0; person < this.#people; person++) {
      const end = this.#start[person + 1]!
      for (let row = this.#start[person]!; row < end; row++) {
        const product = this.#product[row]!
        if (product === 0) continue
        if (last[product] !== person) {
          last[product] = person
          people[product]!++
        }
        counts[product]!++
        sums[product]! += this.#price[row]!
      }
    }
    return counts.reduce((sum, count) => sum + count, 0)
  }
}

/** By the name of a script, the same by hand. */
export function loopsOver(arrays: TypedArrays): Record<string, () => unknown> {
  return {
    'count all': () => arrays.countAll(),
    'group by country and page': () => arrays.groups(),
    'purchase → next purchase': () => arrays.nextPurchases(),
    'sum by country': () => arrays.sums(),
    'funnel of three steps in 7 days': () => arrays.funnel(),
    'sum, count, distinct people by product': () => arrays.products(),
  }
}
