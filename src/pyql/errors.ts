import { type Place, pictureOf, placeOf, type Span } from './source.js'

/** What went wrong with a script, for those who treat errors apart. */
export type PyqlErrorKind = 'syntax' | 'unknown_column' | 'unknown_name' | 'run_time' | 'limit' | 'cancelled'

/** A mistake of the one who wrote the script. The message is a sentence; the picture shows the line and a caret. */
export class PyqlError extends Error {
  readonly kind: PyqlErrorKind
  readonly place: Place | undefined
  readonly picture: string | undefined

  constructor(kind: PyqlErrorKind, message: string, place?: Place, picture?: string) {
    super(message)
    this.name = 'PyqlError'
    this.kind = kind
    this.place = place
    this.picture = picture
  }
}

/** An error at a span of a text. */
export function errorAt(text: string, span: Span, kind: PyqlErrorKind, message: string): PyqlError {
  return new PyqlError(kind, message, placeOf(text, span.start), pictureOf(text, span))
}
