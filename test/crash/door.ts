import { Pool } from 'undici'
import { ADMIN, basic } from '../support/node.js'

export type Body = Record<string, unknown>

/** The node is gone; whether it did what was asked is not known. */
export class Unreachable extends Error {}

/** The node has answered with a problem. */
export class Refused extends Error {
  readonly code: string
  constructor(body: Body) {
    super(JSON.stringify(body))
    this.code = String(body['code'])
  }
}

/** The way to the node through all its lives. Not the client of src, which repeats by itself and always with a key. */
export class Door {
  #pool: Pool | undefined

  open(url: string): void {
    this.#pool = new Pool(url, { connections: 24 })
  }

  async shut(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await pool?.destroy()
  }

  async ask<Answer = Body>(request: Body, key?: string): Promise<Answer> {
    const { status, text } = await this.#send(request, key)
    const body = JSON.parse(text)
    if (status >= 400) throw new Refused(body)
    return body
  }

  /** The same, with undefined for the problem of what is not there. */
  async askFor<Answer = Body>(request: Body, missing: string): Promise<Answer | undefined> {
    try {
      return await this.ask<Answer>(request)
    } catch (error) {
      if (error instanceof Refused && error.code === missing) return undefined
      throw error
    }
  }

  async #send(request: Body, key: string | undefined): Promise<{ status: number; text: string }> {
    const headers = {
      'content-type': 'application/json',
      authorization: basic(ADMIN),
      ...(key !== undefined && { 'idempotency-key': key }),
    }
    if (!this.#pool) throw new Unreachable()
    try {
      const answer = await this.#pool.request({ path: '/', method: 'POST', headers, body: JSON.stringify(request) })
      return { status: answer.statusCode, text: await answer.body.text() }
    } catch (error) {
      throw new Unreachable(String(error))
    }
  }
}
