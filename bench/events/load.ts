/** A seeded source of chance (a linear congruential generator), the same on every machine. */
class Chance {
  #state = 12_345

  next(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return this.#state / 4_294_967_296
  }

  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  /** Small numbers are likelier. */
  skewed(end: number): number {
    return Math.floor(this.next() * this.next() * end)
  }
}

export const PAGES = Array.from({ length: 200 }, (_, at) => `page_${at}`)
export const PRODUCTS = Array.from({ length: 500 }, (_, at) => `product_${at}`)
export const COUNTRIES = ['ca', 'us', 'uk', 'de', 'fr', 'jp', 'br', 'in']
const TAGS = ['red', 'blue', 'small', 'large', 'new', 'sale', 'retro', 'gear']

export const COLUMNS = [
  { name: 'page', type: 'text' },
  { name: 'country', type: 'text' },
  { name: 'product', type: 'text' },
  { name: 'price', type: 'double' },
  { name: 'qty', type: 'int' },
  { name: 'tags', type: 'text', is_set: true },
]

export interface LoadEvent {
  person: string
  stamp: number
  action: string
  _: { page: string; country: string; product?: string; price?: number; qty?: number; tags?: string[] }
}

/**
 * People in sessions of page views with purchases between, one event of each person after the other, so that every
 * batch mixes people. Goes on for as long as it is asked.
 */
export function* shopEvents(people: number, rounds: number): Generator<LoadEvent> {
  const chance = new Chance()
  const times = Array.from({ length: people }, () => 1_483_228_800_000 + chance.below(86_400_000 * 30))
  for (let round = 0; round < rounds; round++) {
    for (let person = 0; person < people; person++) {
      times[person]! += chance.next() < 0.15 ? 3_600_000 + chance.below(86_400_000 * 5) : 5_000 + chance.below(240_000)
      const buys = chance.next() < 0.12
      const values: LoadEvent['_'] = { page: PAGES[chance.skewed(200)]!, country: COUNTRIES[person % 8]! }
      if (buys) {
        values.product = PRODUCTS[chance.skewed(500)]!
        values.price = Math.round(chance.next() * 20_000) / 100
        values.qty = 1 + chance.below(5)
        values.tags = [TAGS[chance.below(8)]!, TAGS[chance.below(8)]!]
      }
      yield {
        person: `user${person}@test.com`,
        stamp: times[person]!,
        action: buys ? 'purchase' : 'page_view',
        _: values,
      }
    }
  }
}

/** Bodies of so many events as JSON text. */
export function* bodiesOf(events: Iterable<LoadEvent>, size: number): Generator<{ text: string; events: number }> {
  let batch: LoadEvent[] = []
  for (const event of events) {
    batch.push(event)
    if (batch.length < size) continue
    yield { text: JSON.stringify(batch), events: batch.length }
    batch = []
  }
  if (batch.length > 0) yield { text: JSON.stringify(batch), events: batch.length }
}
