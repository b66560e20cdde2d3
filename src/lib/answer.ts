/** An answer that is JSON text already: written as it is, without parsing and printing it again. */
export class JsonText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** An answer of JSON text that comes in pieces, for results too large to build whole. */
export class JsonStream {
  readonly chunks: AsyncIterable<string>
  constructor(chunks: AsyncIterable<string>) {
    this.chunks = chunks
  }
}

/** An answer of another media type: a text, or bytes that come in pieces. */
export class Content {
  readonly type: string
  readonly body: string | AsyncIterable<string | Uint8Array>
  constructor(type: string, body: string | AsyncIterable<string | Uint8Array>) {
    this.type = type
    this.body = body
  }
}
