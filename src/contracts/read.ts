import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Access, Contract, Schema } from './contract.js'

const folder = fileURLToPath(new URL('.', import.meta.resolve('#schemas/contract.json')))

type Written = Omit<
  Contract,
  'group' | 'access' | 'changes' | 'target' | 'join_token' | 'also_called' | 'also_named' | 'alias'
> &
  Partial<Pick<Contract, 'changes' | 'target' | 'join_token' | 'also_called' | 'also_named' | 'alias'>> & {
    access: Access | Access[]
  }

/** Every contract under schemas/operations, in the order of group and name. */
export function readContracts(): Contract[] {
  const root = join(folder, 'operations')
  return readdirSync(root)
    .sort()
    .flatMap((group) =>
      readdirSync(join(root, group))
        .filter((file) => file.endsWith('.json'))
        .sort()
        .map((file) => complete(group, JSON.parse(readFileSync(join(root, group, file), 'utf8')) as Written)),
    )
}

/** The shapes that contracts share, by the reference that they use: "../../common/name.json". */
export function readCommonSchemas(): Map<string, Schema> {
  const root = join(folder, 'common')
  return new Map(
    readdirSync(root)
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((file) => [`../../common/${file}`, JSON.parse(readFileSync(join(root, file), 'utf8')) as Schema]),
  )
}

function complete(group: string, written: Written): Contract {
  const contract: Contract = {
    ...written,
    group,
    access: Array.isArray(written.access) ? written.access : [written.access],
    changes: written.changes ?? false,
    target: written.target ?? {},
    join_token: written.join_token ?? false,
    also_called: written.also_called ?? [],
    also_named: written.also_named ?? {},
    alias: written.alias ?? [],
  }
  if (contract.changes) addIdempotencyKey(contract.request)
  return contract
}

/** Every changing operation takes the key, so no contract repeats it. */
function addIdempotencyKey(request: Schema): void {
  request.properties = { ...request.properties, idempotency_key: { $ref: '../../common/idempotency_key.json' } }
}
