import { Pool } from 'undici'

/** Times of small requests that an ordinary caller sends meanwhile, in milliseconds. */
export class Times {
  readonly #sorted: number[]

  constructor(times: readonly number[]) {
    this.#sorted = [...times].sort((a, b) => a - b)
  }

  /** The times of several moments as one. */
  static of(moments: readonly Times[]): Times {
    return new Times(moments.flatMap((times) => times.#sorted))
  }

  get count(): number {
    return this.#sorted.length
  }

  get p50(): number {
    return this.#part(0.5)
  }

  get p99(): number {
    return this.#part(0.99)
  }

  toString(): string {
    return `p50 ${this.p50.toFixed(2)} p99 ${this.p99.toFixed(2)}`
  }

  #part(part: number): number {
    return this.#sorted[Math.floor(this.count * part)]!
  }
}

export interface ProbeOptions {
  url: string
  authorization: string
  body: unknown
  /** Milliseconds between two requests. */
  every?: number
}

/** Sends the same small request over and over until `until` is settled; each must be answered 200. */
export async function probe(
  { url, authorization, body, every = 5 }: ProbeOptions,
  until: Promise<unknown>,
): Promise<Times> {
  const pool = new Pool(url, { connections: 1 })
  const times: number[] = []
  let over = false
  const end = until.finally(() => {
    over = true
  })
  end.catch(() => {})
  const text = JSON.stringify(body)
  try {
    while (!over) {
      const started = performance.now()
      const response = await pool.request({
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/json', authorization },
        body: text,
      })
      await response.body.dump()
      times.push(performance.now() - started)
      if (response.statusCode !== 200) throw new Error(`the ordinary caller was answered ${response.statusCode}`)
      await new Promise((resolve) => setTimeout(resolve, every))
    }
    await end
  } finally {
    await pool.destroy()
  }
  return new Times(times)
}
