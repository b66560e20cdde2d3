/** An answer that is JSON text already, or the bytes of it: written as it is, without parsing and printing it again. */
export class JsonText {
  readonly body: string | Buffer
  constructor(body: string | Buffer) {
    this.body = body
  }

  get text(): string {
    return this.body.toString()
  }
}

/** An answer of JSON text that comes in pieces, for results too large to build whole. */
export class JsonStream {
  readonly chunks: AsyncIterable<string>
  constructor(chunks: AsyncIterable<string>) {
    this.chunks = chunks
  }
}

type Body = string | Uint8Array | AsyncIterable<string | Uint8Array>

/** An answer of another media type, or bytes that are ready: as a whole, or in pieces. */
export class Content {
  readonly type: string
  readonly body: Body
  constructor(type: string, body: Body) {
    this.type = type
    this.body = body
  }
}
