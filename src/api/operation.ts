import type { Contracts } from '../generated/contracts.js'
import type { Call } from './call.js'
import type { Services } from './services.js'

export type OperationName = keyof Contracts

/** The services that a handler takes, by name. */
export type Needs<Name extends keyof Services> = Pick<Services, Name>

/** What runs for an operation: request, services and call in, answer out. */
export type Run<Name extends OperationName> = (
  request: Contracts[Name]['request'],
  services: Services,
  call: Call,
) => Promise<Contracts[Name]['response'] | Ready> | Contracts[Name]['response'] | Ready

/** Answers that are text already: JsonText, JsonStream, Content. */
export type Ready =
  | import('../lib/index.js').JsonText
  | import('../lib/index.js').JsonStream
  | import('../lib/index.js').Content

export interface Operation<Name extends OperationName = OperationName> {
  name: Name
  run: Run<Name>
}

/** Binds a handler to the contract of the same name: the types of request and answer come from the contract. */
export function operation<Name extends OperationName>(name: Name, run: Run<Name>): Operation<Name> {
  return { name, run }
}
