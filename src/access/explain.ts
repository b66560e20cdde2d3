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

type AttributeAction = 'read' | 'insert' | 'update'
const TABLE_ACTIONS = ['read', 'insert', 'update', 'delete'] as const

/** Why a user may or may not run an operation: for each thing that it needs, the rule that allows or denies it. */
export function explain(callers: Callers, user: UserRecord, question: Question): Explained[] {
  const { operation, access, database, table, attributes = [] } = question
  if (!user.active) return [{ asked: operation, allowed: false, rule: `user '${user.username}' is not active` }]
  if (access.includes('public'))
    return [{ asked: operation, allowed: true, rule: `'${operation}' is open to everybody` }]
  if (callers.grantsOf(user.role).superUser)
    return [{ asked: operation, allowed: true, rule: `role '${user.role}' is a super_user` }]
  if (access.includes('super_user'))
    return [{ asked: operation, allowed: false, rule: `'${operation}' is restricted to 'super_user' roles` }]
  const rights = callers.rightsOf(user)
  const answers: Explained[] = []
  if (access.includes('structure')) answers.push(ofStructure(rights, user, database))
  for (const action of TABLE_ACTIONS) {
    if (!access.includes(action)) continue
    if (database === undefined || table === undefined)
      answers.push({ asked: action, allowed: false, rule: 'name a database and a table to ask about' })
    else {
      const where = `${database}.${table}`
      answers.push(sentence(`${action} on ${where}`, rights.rule(action, database, table), user, database))
      if (action === 'delete') continue
      for (const attribute of attributes)
        answers.push(
          sentence(
            `${action} of ${where}.${attribute}`,
            rights.attributeRule(action as AttributeAction, database, table, attribute),
            user,
            database,
          ),
        )
    }
  }
  return answers.length > 0
    ? answers
    : [
        {
          asked: operation,
          allowed: true,
          rule: `'${operation}' is open to every user; what it shows follows the user's rights`,
        },
      ]
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
