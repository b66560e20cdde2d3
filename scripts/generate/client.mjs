// src/generated/client.ts: what the typed client must know of every operation, and one method for each.
const HEAD = '// Generated from schemas/ by npm run generate. Do not edit.\n'
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase())

export function client({ contracts }) {
  const rows = contracts.map(
    ({ operation, changes }) => `  ${camel(operation)}: { operation: '${operation}', changes: ${changes} },`,
  )
  const methods = contracts.map(({ operation, summary, request }) => {
    const optional = (request.required ?? []).length === 0 ? '?' : ''
    return `  /** ${summary} */\n  ${camel(operation)}(request${optional}: Contracts['${operation}']['sent'], options?: Options): Promise<Contracts['${operation}']['response']>`
  })
  const text = `${HEAD}import type { Contracts } from './contracts.js'

/** Every operation by the name of its method, and whether it changes anything. */
export const methods = {
${rows.join('\n')}
} as const satisfies Record<string, { operation: keyof Contracts; changes: boolean }>

/** One method for each operation. */
export interface Methods<Options> {
${methods.join('\n')}
}
`
  return new Map([['src/generated/client.ts', text]])
}
