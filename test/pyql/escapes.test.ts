import { expect } from 'chai'
import { compile, createScan, PyqlError } from '../../src/pyql/index.js'
import { oracleColumns } from '../support/pyql-generator.js'
import { blockOf, type Person } from '../support/pyql-people.js'
import { limits, runEvents } from '../support/pyql-run.js'

const someone: Person[] = [
  {
    id: '__proto__',
    rows: [
      { stamp: 1_500_000_000_000, action: 'constructor', cells: { fruit: '__proto__', qty: 1, tags: ['constructor'] } },
    ],
  },
]

/** Ways out of a language that is compiled to JavaScript. Each must be refused, or be a harmless value. */
const attempts = [
  'x = constructor\ndebug(x)',
  'x = __proto__\ndebug(x)',
  "x = 'a'.constructor",
  "x = 'a'.constructor('return process')()",
  "x = ''.constructor.constructor('return process')()",
  "x = []['constructor']\ndebug(x)",
  "x = {}['__proto__']\ndebug(x)",
  "x = {}['constructor']\ndebug(x)",
  "x = 'abc'['constructor']\ndebug(x)",
  "x = 'abc'['length']\ndebug(x)",
  "x = {}\nx['__proto__'] = {'polluted': 1}\ndebug(x['polluted'])",
  "x = {}\nx['__proto__']['polluted'] = 1\ndebug({}['polluted'])",
  "x = {}\nx['constructor']['prototype']['polluted'] = 1\ndebug({}['polluted'])",
  "x = {'__proto__': {'polluted': 1}}\ndebug(x['polluted'])",
  "x = dict({'__proto__': 1})\ndebug(x.keys())",
  'x = this',
  'debug(this)',
  'x = globalThis\ndebug(x)',
  'x = process\ndebug(x)',
  'x = require("fs")',
  'x = import("fs")',
  'import fs',
  'x = eval("1")',
  'x = Function("return 1")()',
  'x = rt\ndebug(x)',
  'x = rt.exit',
  'x = K\ndebug(x)',
  'x = block.personId(0)',
  'x = members\ndebug(x)',
  `x = \`$\{process.exit()}\``,
  "x = '`; process.exit(); `'\ndebug(x)",
  "x = '\\'); process.exit(); (\\''\ndebug(x)",
  'x = "\u2028process.exit()"\ndebug(x)',
  "x = '*/ process.exit() /*'\ndebug(x)",
  `x = '$\{process.exit()}'\ndebug(x)`,
  '# */ process.exit()\nx = 1\ndebug(x)',
  'def constructor():\n    return 1\ndebug(constructor())',
  'def __proto__(a):\n    return a\ndebug(__proto__(2))',
  'def toString():\n    return 1\ndebug(toString())',
  'hasOwnProperty = 1\ndebug(hasOwnProperty)',
  'valueOf = 2\ndebug(valueOf)',
  'v0 = 1\nvar = 2\ndebug(v0)',
  'let = 1\nconst = 2\nfunction = 3\ndebug(let + const + function)',
  'arguments = 1\neval = 2\nundefined = 3\nNaN = 4\ndebug(arguments + eval)',
  'await = 1\nyield = 2\nstatic = 3\ndebug(await)',
  "x = [].pop.call('a')",
  'x = [].__lookupGetter__("a")',
  "x = 'a'.__defineGetter__('b', 1)",
  "x = 'a'.toString()",
  "x = 'abc'.replace('a', 'b')",
  'x = fruit.constructor()',
  "x = set('__proto__', 'constructor')\nfor y in x:\n    debug(y)",
  'tally(fruit, person, action)',
  'tally("__proto__", "constructor", "toString")',
  "x = url_decode('http://h/?__proto__=1&constructor=2')\ndebug(x['params']['__proto__'])",
  'column.constructor == 1',
  'match where column.__proto__ == 1:\n    tally(1)',
  'agg:\n    count __proto__\ntally(1)',
  'agg:\n    count person as __proto__\ntally(1)',
  'x = 1; process.exit()',
  'x = (1, process)',
  'x = 1 if 2 else 3',
  'x = lambda y: y',
  'x = y => y',
  'x = a?.b',
  'x = new Date()',
  'x = delete fruit',
  'x = void 0',
  'x = typeof fruit',
  '{{__proto__}}',
  "x = '{{constructor}}'",
]

describe('scripts that try to get out', () => {
  it(`do not (${attempts.length} attempts)`, () => {
    const before = Object.getOwnPropertyNames(Object.prototype).join()
    for (const attempt of attempts) {
      try {
        const { debug, reply } = runEvents(`${attempt}\n`, someone, { columns: oracleColumns })
        for (const value of debug) expect(typeof value, attempt).to.be.oneOf(['string', 'number', 'boolean', 'object'])
        for (const value of debug)
          expect(value, attempt).to.satisfy(
            (x: unknown) =>
              x === null || typeof x !== 'object' || Array.isArray(x) || Object.getPrototypeOf(x) === Object.prototype,
          )
        expect(JSON.stringify({ debug, reply }), attempt).to.not.contain('polluted')
      } catch (error) {
        if (!(error instanceof PyqlError)) throw new Error(attempt, { cause: error })
      }
    }
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined)
    expect(Object.getOwnPropertyNames(Object.prototype).join()).to.equal(before)
  })

  it('find none of their own words in the program, but names of the language', () => {
    const script =
      "secret_name = 'secret text'\ndef secret_function(secret_parameter):\n    return secret_parameter\ndebug(secret_function(secret_name))\nmatch where fruit == 'secret fruit':\n    tally('secret group')\n"
    const { source, constants } = compile(script, { mode: 'event', columns: oracleColumns })
    expect(source).to.not.contain('secret')
    expect(source).to.not.contain('fruit')
    expect(constants).to.include('secret text')
  })

  it('keep keys such as __proto__ as what they are: texts', () => {
    const { debug, reply } = runEvents(
      "x = {}\nx['__proto__'] = 5\ndebug(x['__proto__'])\ndebug(len(x))\ntally(fruit, person)\n",
      someone,
      { columns: oracleColumns },
    )
    expect(debug).to.deep.equal([5, 1])
    expect(reply).to.deep.equal({ _: [{ g: '__proto__', c: [1], _: [{ g: '__proto__', c: [1] }] }] })
  })
})

describe('scripts that take too much', () => {
  const rows = Array.from({ length: 300 }, (_, i) => ({ stamp: 1_500_000_000_000 + i, action: 'a', cells: { qty: i } }))
  const many: Person[] = [{ id: 1, rows }]
  const run = (script: string, scan = {}) => runEvents(script, many, { columns: oracleColumns, scan })

  it('run out of steps', () => {
    const nested = `${[0, 1, 2, 3].map((i) => `${'    '.repeat(i)}match:`).join('\n')}\n${'    '.repeat(4)}x = 1\n`
    expect(() => run(nested)).to.throw(PyqlError, 'more than 1000000 steps')
    expect(() => run('def f(n):\n    f(n)\n    f(n)\nf(1)\n')).to.throw(PyqlError, 'deeper than 64')
    expect(() => run('def f(n):\n    if n > 0:\n        f(n - 1)\n        f(n - 1)\nf(60)\n')).to.throw(
      PyqlError,
      'steps',
    )
  })

  it('run out of memory', () => {
    expect(() => run("x = 'ab'\nmatch:\n    x += x\n")).to.throw(PyqlError, /elements and characters|steps/)
    expect(() => run('x = [1]\nmatch:\n    for y in x:\n        x.append(y)\n')).to.throw(
      PyqlError,
      /elements and characters|steps/,
    )
    expect(() => run('x = [1]\nmatch:\n    x = [x, x]\ndebug(str(x))\n')).to.throw(PyqlError)
    expect(() => run('x = [1]\nmatch:\n    x = x + x\nx = [x] + x\ndebug(len(x))\n')).to.not.throw()
  })

  it('run out of groups', () => {
    const scan = { limits: { ...limits, nodesMax: 100 } }
    expect(() => run('match:\n    tally(qty)\n', scan)).to.throw(PyqlError, 'more than 100 groups')
  })

  it('are refused when their programs would be enormous', () => {
    const lines = Array.from({ length: 60 }, (_, i) => `    count fruit as a${i}`).join('\n')
    const tallies = 'tally(1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7)\n'.repeat(1200)
    expect(() => run(`agg:\n${lines}\n${tallies}`)).to.throw(PyqlError, 'Too much is counted')
  })

  it('settle on types however long their chains of assignments are', () => {
    const chain = Array.from({ length: 3000 }, (_, i) => `a${i} = a${i + 1}`).join('\n')
    const { debug } = run(`${chain}\na3000 = 1.5\na0 = 7\ndebug(a0 / 2)\n`)
    expect(debug).to.deep.equal([3])
  })

  it('stop when they are cancelled', () => {
    const cancel = new Int32Array(new SharedArrayBuffer(4))
    Atomics.store(cancel, 0, 1)
    const nested = `${[0, 1, 2].map((i) => `${'    '.repeat(i)}match:`).join('\n')}\n${'    '.repeat(3)}x = 1\n`
    expect(() => run(nested, { cancel })).to.throw(PyqlError, 'cancelled')
    const program = compile('match:\n    tally(1)\n', { mode: 'event', columns: oracleColumns })
    const crowd = Array.from({ length: 600 }, (_, i) => ({ id: i, rows: rows.slice(0, 1) }))
    const scan = createScan(program, { now: 0, sessionTime: 1, trace: false, limits, cancel })
    expect(() => scan.run(blockOf(crowd, program.columns))).to.throw(PyqlError, 'cancelled')
  })
})
