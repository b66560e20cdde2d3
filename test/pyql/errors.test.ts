import { expect } from 'chai'
import { compile, type Mode, PyqlError, parametersOf } from '../../src/pyql/index.js'
import { oracleColumns } from '../support/pyql-generator.js'

function errorOf(script: string, mode: Mode = 'event'): string {
  try {
    compile(script, { mode, columns: oracleColumns })
  } catch (error) {
    if (!(error instanceof PyqlError)) throw error
    const { place, picture, message } = error
    return `${place?.line}:${place?.column}\n${picture}\n${message}`
  }
  return 'no error'
}

const pictures: [string, string, string][] = [
  [
    'a misspelt column in a condition',
    'match where frut == "pear":\n    tally(fruit)\n',
    "1:13\n  match where frut == \"pear\":\n              ^^^^\nNothing sets 'frut', and it is no column. Did you mean 'fruit'?",
  ],
  [
    'a misspelt column in a tally',
    'match:\n    tally(colour)\n',
    "2:11\n      tally(colour)\n            ^^^^^^\nNothing sets 'colour', and it is no column. Did you mean 'color'?",
  ],
  [
    'an unknown column of an aggregate',
    'agg:\n    sum prise\nmatch:\n    tally(1)\n',
    "2:9\n      sum prise\n          ^^^^^\nThere is no column 'prise'. Did you mean 'price'?",
  ],
  [
    'an unknown aggregator',
    'agg:\n    median price\nmatch:\n    tally(1)\n',
    "2:5\n      median price\n      ^^^^^^\n'median' is no aggregator. There are count, sum, min, max, avg, val, value, var, variable.",
  ],
  [
    'an unknown function',
    'x = rond(2.5)\n',
    "1:5\n  x = rond(2.5)\n      ^^^^\nThere is no function 'rond'. Did you mean 'round'?",
  ],
  [
    'range',
    'for i in range(3):\n    debug(i)\n',
    "1:10\n  for i in range(3):\n           ^^^^^\n'range' is not implemented.",
  ],
  [
    'an unknown method',
    'x = []\nx.apend(1)\n',
    "2:1\n  x.apend(1)\n  ^^^^^^^^^^\nThere is no method 'apend'. Did you mean 'append'?",
  ],
  [
    'a wrong number of arguments',
    'x = bucket(1)\n',
    "1:5\n  x = bucket(1)\n      ^^^^^^^^^\n'bucket' takes 2 arguments, not 1.",
  ],
  [
    'a method without what it looks for',
    "x = 'a b'.split()\n",
    "1:5\n  x = 'a b'.split()\n      ^^^^^^^^^^^^^\n'split' takes 1 argument, not 0.",
  ],
  [
    'an argument that a method would not look at',
    'x = [1, 2]\ny = x.pop(0)\n',
    "2:5\n  y = x.pop(0)\n      ^^^^^^^^\n'pop' takes 0 arguments, not 1.",
  ],
  [
    'odd indentation',
    'match:\n   tally(1)\n',
    '2:1\n     tally(1)\n  ^^^\nIndentation is in steps of 4 spaces; this line has 3.',
  ],
  ['a missing block', 'match:\ntally(1)\n', "2:1\n  tally(1)\n  ^^^^^\nExpected an indented block, but found 'tally'."],
  [
    'a block out of nowhere',
    'x = 1\n    y = 2\n',
    '2:5\n      y = 2\n      ^\nThis line is indented, but no block begins before it.',
  ],
  [
    'a missing colon',
    'if 1 == 1\n    x = 2\n',
    "2:5\n      x = 2\n      ^\nExpected ':' after the condition of 'if', but found 'x'.",
  ],
  ['a text without an end', "x = 'abc\n", "1:5\n  x = 'abc\n      ^^^^\nThis text is never closed with '."],
  ['an unknown escape', "x = '\\q'\n", "1:6\n  x = '\\q'\n       ^^\n'\\q' is no escape; write \\\\ for a backslash."],
  ['an open bracket', 'x = [1, 2\n', "1:5\n  x = [1, 2\n      ^\nThis '[' is never closed."],
  ['a foreign sign', 'x = 1 & 2\n', "1:7\n  x = 1 & 2\n        ^\n'&' means nothing here."],
  [
    'a number with letters',
    'x = 5k\n',
    "1:5\n  x = 5k\n      ^^\n'5k' is no number; times are written 30s, 5m, 2h, 1d or 5 minutes.",
  ],
  [
    'a number too large',
    'x = 9007199254740993\n',
    '1:5\n  x = 9007199254740993\n      ^^^^^^^^^^^^^^^^\nWhole numbers go up to 9007199254740991.',
  ],
  [
    'chained comparisons',
    'x = 1 < 2 < 3\n',
    '1:11\n  x = 1 < 2 < 3\n            ^\nComparisons cannot be chained; join them with `and`, or use parentheses.',
  ],
  ['a column that is set', 'fruit = 1\n', "1:1\n  fruit = 1\n  ^^^^^\n'fruit' is a column and cannot be set."],
  [
    'a column that is deleted',
    'del fruit\n',
    "1:5\n  del fruit\n      ^^^^^\n'fruit' is a column and cannot be deleted.",
  ],
  [
    'a value of the language that is deleted',
    'del now\n',
    "1:5\n  del now\n      ^^^\n'now' is a value of the language and cannot be deleted.",
  ],
  [
    'a variable that is deleted and that nothing sets',
    'del x\n',
    "1:5\n  del x\n      ^\nNothing sets 'x', so there is nothing to delete.",
  ],
  [
    'a break that is too deep',
    'match:\n    break 2\n',
    "2:5\n      break 2\n      ^^^^^^^\n'break 2' is too deep: there is 1 loop around it.",
  ],
  ['a break without a loop', 'break\n', "1:1\n  break\n  ^^^^^\n'break' stands outside of any loop."],
  [
    'a duplicate alias',
    'agg:\n    sum price\n    min price\ntally(1)\n',
    "3:5\n      min price\n      ^^^^^^^^^\nThere is already an aggregate 'price'; give this one another name with 'as'.",
  ],
  [
    'a sum of texts',
    'agg:\n    sum fruit\ntally(1)\n',
    "2:5\n      sum fruit\n      ^^^^^^^^^\n'sum' needs a column of numbers; 'fruit' is text.",
  ],
  [
    'a sort block',
    'sort:\n    fruit\n',
    "1:1\n  sort:\n  ^^^^\n'sort' is no block; sort with the parameter of the query.",
  ],
  [
    'a placeholder without a value',
    'x = {{what}}\n',
    "1:5\n  x = {{what}}\n      ^^^^^^^^\nNo parameter was given for 'what' (str_, int_, dbl_ or bool_what).",
  ],
  ['a value that nothing uses', 'x\n', '1:1\n  x\n  ^\nNothing is done with this value.'],
  [
    'a bad date',
    'match where iter_between("yesterday", now):\n    tally(1)\n',
    '1:26\n  match where iter_between("yesterday", now):\n                           ^^^^^^^^^^^\n\'yesterday\' is no date: write 2024-01-31 or 2024-01-31T12:00:00Z.',
  ],
]

describe('mistakes in scripts', () => {
  for (const [title, script, picture] of pictures) {
    it(`show where there is ${title}`, () => {
      expect(errorOf(script)).to.equal(picture)
    })
  }

  it('are told by the kind of script', () => {
    expect(errorOf('tally(1)\n', 'histogram')).to.contain("should not call 'tally'")
    expect(errorOf('emit("x")\n')).to.contain("'emit' belongs into trigger scripts")
    expect(errorOf('union("a", "b")\n')).to.contain("'union' belongs into segment scripts")
    expect(errorOf('agg:\n    count person\ntally\n', 'segment')).to.contain('The agg block belongs into event scripts')
    expect(errorOf('schedule(5, "gone")\n', 'trigger')).to.contain(
      "'schedule' takes the name, in quotes, of a function",
    )
    expect(errorOf('match:\n    tally\nunion("a", "b")\n', 'segment')).to.contain('consists of one call')
    for (const mode of ['segment', 'trigger'] as const)
      expect(errorOf('match where {{what}} == 1:\n    x = 1\n', mode)).to.contain(
        "'{{what}}' stands for a parameter; scripts",
      )
  })

  it('are refused where a parameter is not of its type', () => {
    expect(() => parametersOf([['int_n', 'x']])).to.throw(PyqlError, "Parameter 'int_n' cannot be read as int")
    expect(() => parametersOf([['bool_b', 'maybe']])).to.throw(PyqlError, 'bool')
    expect([
      ...parametersOf([
        ['str_s', 'a'],
        ['int_i', '-5'],
        ['dbl_d', '1.5'],
        ['bool_b', 'true'],
        ['other', 'x'],
      ]),
    ]).to.deep.equal([
      ['s', 'a'],
      ['i', -5],
      ['d', 1.5],
      ['b', true],
    ])
  })

  it('do not overflow the stack', () => {
    const deep = (open: string, close: string) => `x = ${open.repeat(5000)}1${close.repeat(5000)}\n`
    for (const script of [deep('(', ')'), deep('[', ']'), deep('-', ''), deep('not ', ''), deep('len(', ')')]) {
      expect(errorOf(script)).to.contain('deeper than')
    }
    for (const link of [' + 1', ' and 1', ' or 1', ' * 1', '[0]', '.pop()', ' days']) {
      expect(errorOf(`y = []\nx = y${link.repeat(8000)}\n`), link).to.contain('follow each other')
      expect(errorOf(`y = []\nx = y${link.repeat(400)}\n`), link).to.equal('no error')
    }
    const chains = `${'('.repeat(90)}1${`${' + 1'.repeat(400)})`.repeat(90)}`
    expect(errorOf(`x = ${chains}\n`)).to.contain('nested deeper than 700')
    const blocks = Array.from({ length: 300 }, (_, i) => `${'    '.repeat(i)}if 1 == 1:`).join('\n')
    expect(errorOf(`${blocks}\n${'    '.repeat(300)}x = 1\n`)).to.contain('deeper than')
  })
})
