import type { Callers } from './callers.js'
import type { Rule, UserRights } from './rights.js'
import type { UserRecord } from './store.js'

/** One question and its answer. */
export interface Explained {
  asked: string
  allowed: boolean
  rule: string
}

export interface Question {
  operation: string
  access: readonly string[]
  database?: string | undefined
  table?: string | undefined
  attributes?: readonly string[] | undefined
}

const TABLE_ACTIONS = ['read', 'insert', 'update', 'delete'] as const

/** Why a user may or may not run an operation: for each thing that it needs, the rule that allows or denies it. */
export function explain(callers: Callers, user: UserRecord, question: Question): Explained[] {
  const { operation, access } = question
  const answer = (allowed: boolean, rule: string): Explained[] => [{ asked: operation, allowed, rule }]
  if (!user.active) return answer(false, `user '${user.username}' is not active`)
  if (access.includes('public')) return answer(true, `'${operation}' is open to everybody`)
  if (callers.grantsOf(user.role).superUser) return answer(true, `role '${user.role}' is a super_user`)
  if (access.includes('super_user')) return answer(false, `'${operation}' is restricted to 'super_user' roles`)
  const rights = callers.rightsOf(user)
  const answers = [
    ...(access.includes('structure') ? [ofStructure(rights, user, question.database)] : []),
    ...TABLE_ACTIONS.filter((action) => access.includes(action)).flatMap((action) =>
      ofTable(rights, user, question, action),
    ),
  ]
  if (answers.length > 0) return answers
  return answer(true, `'${operation}' is open to every user; what it shows follows the user's rights`)
}

/** Whether something may be done to a table, and to the attributes that are asked about. */
function ofTable(
  rights: UserRights,
  user: UserRecord,
  { database, table, attributes = [] }: Question,
  action: (typeof TABLE_ACTIONS)[number],
): Explained[] {
  if (database === undefined || table === undefined)
    return [{ asked: action, allowed: false, rule: 'name a database and a table to ask about' }]
  const where = `${database}.${table}`
  const whole = sentence(`${action} on ${where}`, rights.rule(action, database, table), user, database)
  if (action === 'delete') return [whole]
  const parts = attributes.map((attribute) => {
    const rule = rights.attributeRule(action, database, table, attribute)
    return sentence(`${action} of ${where}.${attribute}`, rule, user, database)
  })
  return [whole, ...parts]
}

function ofStructure(rights: UserRights, user: UserRecord, database: string | undefined): Explained {
  return database === undefined
    ? { asked: 'structure', allowed: false, rule: 'name a database to ask about' }
    : sentence(`structure of ${database}`, rights.structureRule(database), user, database)
}

function sentence(asked: string, rule: Rule | undefined, user: UserRecord, database: string): Explained {
  if (rule === undefined)
    return {
      asked,
      allowed: false,
      rule: `no rule of role '${user.role}' allows it, and database '${database}' is not owned by '${user.username}' nor shared with it so`,
    }
  const rules: Record<Rule, string> = {
    owner: `'${user.username}' owns database '${database}'`,
    'shared for reading': `database '${database}' is shared with '${user.username}' for reading`,
    'shared for writing': `database '${database}' is shared with '${user.username}' for writing`,
    role: `role '${user.role}' allows it`,
  }
  return { asked, allowed: true, rule: rules[rule] }
}
