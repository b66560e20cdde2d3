import { Pool } from 'undici'

/** Times of small requests that an ordinary caller sends meanwhile, in milliseconds. */
export interface Times {
  p50: number
  p99: number
  count: number
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
  times.sort((a, b) => a - b)
  return { p50: times[times.length >> 1]!, p99: times[Math.floor(times.length * 0.99)]!, count: times.length }
}
