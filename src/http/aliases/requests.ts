type Fields = Record<string, unknown>

/** Mappings of bodies of another shape, by the name that contracts use. */
export const requests: Record<string, (body: unknown) => Fields> = {}
