import { expect } from 'chai'
import fc from 'fast-check'
import { grantsOf } from '../../src/access/grants.js'
import { checkPermission } from '../../src/access/permission.js'
import { type RightsOptions, UserRights } from '../../src/access/rights.js'
import type { Structure } from '../../src/access/structure.js'
import type { Problem } from '../../src/lib/index.js'

const dog = { primaryKey: 'id', columns: [{ name: 'id' }, { name: 'dog_name' }, { name: 'owner' }] }
const structure: Structure = {
  database: (database) => (['dev', 'prod'].includes(database) ? { createdAt: 1 } : undefined),
  table: (database, table) => (database === 'dev' && ['dog', 'breed'].includes(table) ? dog : undefined),
}

const tableGrant = (allowed: string, attributes: unknown[] = []) => ({
  read: allowed.includes('r'),
  insert: allowed.includes('i'),
  update: allowed.includes('u'),
  delete: allowed.includes('d'),
  attribute_permissions: attributes,
})
const attribute = (attribute_name: string, allowed: string) => ({
  attribute_name,
  read: allowed.includes('r'),
  insert: allowed.includes('i'),
  update: allowed.includes('u'),
})

function rights(permission: Record<string, unknown>, options: Partial<RightsOptions> = {}): UserRights {
  return new UserRights({ grants: grantsOf(permission), structure, standing: () => undefined, ...options })
}

function refusal(run: () => void): Record<string, unknown> {
  try {
    run()
  } catch (error) {
    return (error as Problem).more
  }
  return {}
}

describe('the rights of a user', () => {
  const reader = rights({ dev: { tables: { dog: tableGrant('r') } } })

  it('are those of its role, table by table', () => {
    expect(reader.seesTable('dev', 'dog')).to.equal(true)
    expect(reader.seesColumn('dev', 'dog', 'owner')).to.equal(true)
    expect(reader.seesTable('dev', 'breed')).to.equal(false)
    expect(reader.seesTable('prod', 'dog')).to.equal(false)
    expect(() => reader.require(['read'], 'dev', 'dog')).not.to.throw()
  })

  it('name what is missing, and speak of what may not be known as if it were not there', () => {
    expect(refusal(() => reader.require(['insert', 'update'], 'dev', 'dog'))).to.deep.equal({
      unauthorized_access: [
        {
          schema: 'dev',
          table: 'dog',
          required_table_permissions: ['insert', 'update'],
          required_attribute_permissions: [],
        },
      ],
      invalid_schema_items: [],
    })
    const hidden = refusal(() => reader.require(['read'], 'dev', 'breed'))
    expect(hidden).to.deep.equal({
      unauthorized_access: [],
      invalid_schema_items: ["Table 'dev.breed' does not exist"],
    })
    const missing = refusal(() => reader.require(['read'], 'dev', 'nothing'))
    expect(JSON.stringify(missing)).to.equal(JSON.stringify(hidden).replace('breed', 'nothing'))
  })

  it('end at the listed attributes, which the primary key inherits', () => {
    const some = rights({ dev: { tables: { dog: tableGrant('riu', [attribute('dog_name', 'ri')]) } } })
    expect(some.seesColumn('dev', 'dog', 'dog_name')).to.equal(true)
    expect(some.seesColumn('dev', 'dog', 'id')).to.equal(true)
    expect(some.seesColumn('dev', 'dog', 'owner')).to.equal(false)
    expect(() => some.require(['insert'], 'dev', 'dog', ['id', 'dog_name'])).not.to.throw()
    expect(refusal(() => some.require(['insert'], 'dev', 'dog', ['id', 'owner']))).to.deep.equal({
      unauthorized_access: [],
      invalid_schema_items: ["Attribute 'owner' does not exist on 'dev.dog'"],
    })
    expect(refusal(() => some.require(['update'], 'dev', 'dog', ['dog_name']))['unauthorized_access']).to.deep.equal([
      {
        schema: 'dev',
        table: 'dog',
        required_table_permissions: [],
        required_attribute_permissions: [{ attribute_name: 'dog_name', required_permissions: ['update'] }],
      },
    ])
  })

  it('leave nothing readable when every listed attribute is hidden', () => {
    const none = rights({ dev: { tables: { dog: tableGrant('r', [attribute('dog_name', '')]) } } })
    for (const { name } of dog.columns) expect(none.seesColumn('dev', 'dog', name), name).to.equal(false)
  })

  it('are everything for the owner, and what was shared for others', () => {
    const owner = rights({}, { standing: (database) => (database === 'dev' ? 'owner' : undefined) })
    expect(() => owner.require(['read', 'insert', 'update', 'delete'], 'dev', 'any', ['x'])).not.to.throw()
    expect(() => owner.requireStructure('dev')).not.to.throw()
    // Whoever asks to make a database is not told that it does not exist.
    for (const name of ['prod', 'new'])
      expect(refusal(() => owner.requireStructure(name))).to.deep.equal({
        unauthorized_access: [`Changing the structure of database '${name}' needs its owner or a structure_user role`],
        invalid_schema_items: [],
      })
    const guest = rights({}, { standing: (database) => (database === 'dev' ? 'read' : undefined) })
    expect(() => guest.require(['read'], 'dev', 'dog')).not.to.throw()
    expect(refusal(() => guest.require(['delete'], 'dev', 'dog'))['unauthorized_access']).to.have.length(1)
    const writer = rights({}, { standing: () => 'write' })
    expect(() => writer.require(['insert', 'delete'], 'dev', 'dog', ['x'])).not.to.throw()
    expect(refusal(() => writer.requireStructure('dev'))['unauthorized_access']).to.have.length(1)
  })

  it('of a structure user change the structure and no records', () => {
    const builder = rights({ structure_user: ['dev'] })
    expect(() => builder.requireStructure('dev')).not.to.throw()
    expect(() => builder.requireStructure('prod')).to.throw()
    expect(builder.known.seesTable('dev', 'dog')).to.equal(true)
    expect(builder.seesTable('dev', 'dog')).to.equal(false)
    expect(() => builder.require(['read'], 'dev', 'dog')).to.throw()
  })

  it('to make databases do not reach those that exist', () => {
    const member = rights({ create_database: true })
    expect(() => member.requireStructure('new')).not.to.throw()
    try {
      member.requireStructure('dev')
      expect.fail('refused')
    } catch (error) {
      expect((error as Problem).code).to.equal('database_taken')
    }
    expect(member.knowsDatabase('dev')).to.equal(false)
  })

  it('of a key bound to databases end there', () => {
    const bound = rights({}, { standing: () => 'owner', only: new Set(['prod']) })
    expect(bound.seesTable('prod', 'x')).to.equal(true)
    expect(bound.seesTable('dev', 'dog')).to.equal(false)
    expect(() => bound.requireStructure('dev')).to.throw()
  })

  it('agree for random permissions: what may be read is seen, what is seen is known', () => {
    const letters = fc.subarray(['r', 'i', 'u', 'd']).map((all) => all.join(''))
    const permission = fc.record({
      dog: fc.tuple(letters, fc.uniqueArray(fc.constantFrom('id', 'dog_name', 'owner'))),
      readable: letters,
    })
    fc.assert(
      fc.property(permission, ({ dog: [allowed, names], readable }) => {
        const listed = names.map((name) => attribute(name, readable))
        const some = rights({ dev: { tables: { dog: tableGrant(allowed, listed) } } })
        for (const { name } of dog.columns)
          if (some.seesColumn('dev', 'dog', name)) {
            expect(some.seesTable('dev', 'dog')).to.equal(true)
            expect(() => some.require(['read'], 'dev', 'dog', [name])).not.to.throw()
          }
        if (some.seesTable('dev', 'dog')) expect(some.known.seesTable('dev', 'dog')).to.equal(true)
        expect(some.seesColumn('dev', 'breed', 'id')).to.equal(false)
      }),
    )
  })
})

describe('the check of a permission JSON', () => {
  const check = (permission: Record<string, unknown>) => refusal(() => checkPermission(permission, structure))

  it('accepts what HarperDB accepts', () => {
    expect(check({ super_user: true })).to.deep.equal({})
    expect(
      check({ super_user: false, structure_user: ['dev'], dev: { tables: { dog: tableGrant('r') } } }),
    ).to.deep.equal({})
    expect(
      check({ dev: { tables: { dog: tableGrant('r', [attribute('owner', 'r')]) } }, prod: { tables: {} } }),
    ).to.deep.equal({})
  })

  it('lists every fault', () => {
    expect(check({ dev: { tables: { dog: { read: true } } } })).to.deep.equal({
      main_permissions: [],
      schema_permissions: {
        dev_dog: [
          'Missing table INSERT permission',
          'Missing table UPDATE permission',
          'Missing table DELETE permission',
          "Missing 'attribute_permissions' array",
        ],
      },
    })
    expect(check({ dev: { tables: { nope: tableGrant('r') } }, nodb: {} })).to.deep.equal({
      main_permissions: ["Table 'dev.nope' does not exist", "database 'nodb' does not exist"],
      schema_permissions: {},
    })
    expect(check({ dev: { tables: { dog: tableGrant('', [attribute('dog_name', 'r')]) } } })).to.deep.equal({
      main_permissions: [],
      schema_permissions: {
        dev_dog: [
          "You have a conflict with TABLE permissions for 'dev.dog' being false and ATTRIBUTE permissions being true",
        ],
      },
    })
    expect(check({ super_user: true, dev: { tables: {} } })['main_permissions']).to.deep.equal([
      "Roles with 'super_user' set to true cannot have other permissions set.",
    ])
  })

  it('refuses wrong shapes everywhere', () => {
    for (const bad of [
      { super_user: 1 },
      { structure_user: 'dev' },
      { structure_user: [1] },
      { dev: [] },
      { dev: { tables: [] } },
      { dev: { table: {} } },
      { dev: { tables: { dog: null } } },
      { dev: { tables: { dog: { ...tableGrant('r'), drop: true } } } },
      { dev: { tables: { dog: tableGrant('r', [attribute('owner', 'r'), attribute('owner', '')]) } } },
      { dev: { tables: { dog: { ...tableGrant('r'), attribute_permissions: {} } } } },
      { dev: { tables: { dog: tableGrant('r', [null]) } } },
      { dev: { tables: { dog: tableGrant('r', [{ read: true }]) } } },
      { dev: { tables: { dog: tableGrant('r', [attribute('zzz', 'r')]) } } },
      { dev: { tables: { dog: tableGrant('r', [{ ...attribute('owner', 'r'), drop: true }]) } } },
      { dev: { tables: { dog: tableGrant('r', [{ ...attribute('owner', 'r'), read: 'yes' }]) } } },
      JSON.parse('{"__proto__":{"tables":{}}}'),
    ])
      expect(Object.keys(check(bad)), JSON.stringify(bad)).to.have.length(2)
  })
})
