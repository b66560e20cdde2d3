import { TrellisProblem, TrellisUnreachable } from '../client/index.js'
import { ConfigError } from '../config/index.js'
import { Problem } from '../lib/index.js'

/** How the program ends; docs/guides/cli.md lists them. */
export const EXIT = {
  done: 0,
  refused: 1,
  usage: 2,
  unreachable: 3,
  not_allowed: 4,
  server_failed: 5,
  interrupted: 130,
} as const

/** A command that cannot be understood or done as it was given. */
export class Usage extends Error {
  override readonly name = 'Usage'
}

/** An answer that did not come to its end. */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff'

  constructor(url: string, cause: unknown) {
    super(`The answer of ${url} broke off.`, { cause })
  }
}

/** What to say of a failure of an operation or command, what to do next, and the exit code. */
export function explainFailure(
  error: unknown,
  name = 'OPERATION',
): { message: string; next: string; code: number; body?: object } {
  if (error instanceof TrellisProblem) return { message: error.message, ...nextOf(error, name), body: error.body }
  if (error instanceof TrellisUnreachable)
    return {
      message: error.message,
      next: isUntrusted(error)
        ? 'Name the file of the authority that signed the certificate of the node: NODE_EXTRA_CA_CERTS=ca.crt trellis …'
        : 'Start a node with `trellis start`, or say where it is with --url or TRELLIS_URL.',
      code: EXIT.unreachable,
    }
  if (error instanceof BrokenOff)
    return {
      message: error.message,
      next: 'What came is not all of it. The log of the node may say why.',
      code: EXIT.unreachable,
    }
  if (error instanceof Problem)
    return { message: error.message, next: 'Nothing was changed.', code: EXIT.refused, body: error.toJSON() }
  if (error instanceof Usage || error instanceof ConfigError)
    return { message: error.message, next: 'See `trellis help`.', code: EXIT.usage }
  const { message, syscall } = error as NodeJS.ErrnoException
  if (syscall !== undefined) return { message, next: 'Check the path and its permissions.', code: EXIT.usage }
  return {
    message: (error as Error)?.stack ?? String(error),
    next: 'This is a bug of trellis: please report it.',
    code: EXIT.server_failed,
  }
}

/** What OpenSSL says of a certificate that nobody whom it knows has signed. */
const UNTRUSTED = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+)$/

function isUntrusted({ cause }: TrellisUnreachable): boolean {
  const { code } = ((cause as Error).cause ?? {}) as NodeJS.ErrnoException
  return UNTRUSTED.test(code ?? '')
}

function nextOf({ status, code, requestId, body }: TrellisProblem, name: string): { next: string; code: number } {
  if (status === 401)
    return {
      next: 'Say who you are with --username and TRELLIS_PASSWORD, with TRELLIS_TOKEN, or in ~/.trellis.',
      code: EXIT.not_allowed,
    }
  if (status === 403)
    return { next: 'Ask a super user for the permission, or sign in as somebody else.', code: EXIT.not_allowed }
  const id = requestId ?? body['id']
  if (status >= 500)
    return {
      next:
        id === undefined
          ? 'It is no answer of a node: something before it, such as a proxy, has answered.'
          : `The log of the node has more under the id ${id}.`,
      code: EXIT.server_failed,
    }
  if (body['code'] === undefined) return { next: 'Does --url lead to a node?', code: EXIT.refused }
  if (code === 'invalid_request') return { next: `See \`trellis help ${name}\` for its fields.`, code: EXIT.refused }
  return { next: `See docs/problems.md#${code}.`, code: EXIT.refused }
}
