type Fields = Record<string, unknown>

/** Mappings of answers to another shape, by the name that contracts use. */
export const replies: Record<string, (answer: unknown, request: Fields) => unknown> = {}
